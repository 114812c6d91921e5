//! Blocks: big pieces of memory, which are kept for a moment after they are freed, and used again.
//!
//! A batch is copied several times between its queue and the socket, most of them in the driver. Each copy is a
//! new block, and to clear and to map its pages costs the kernel as much as the copying costs us. So blocks that
//! are freed are kept, a few of each size, until [`release`] gives them back: a worker calls it when it has
//! nothing to write, so that an idle process holds none.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::{self, null_mut};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// The smallest block, in bytes. The blocks of each next class have the double.
const SMALLEST: usize = 64 << 10;
/// Up to 16 MiB: a batch and what is around it fit in. What is larger is not kept.
const CLASSES: usize = 9;
/// Blocks of one class that are kept.
const PLACES: usize = 8;
/// Bytes of all blocks that are kept.
const MOST_KEPT: usize = 32 << 20;
/// Blocks are aligned like this. No buffer asks for more.
const ALIGN: usize = 16;
/// Where pointers are smaller, other memory has a smaller alignment and cannot grow into a block.
const _: () = assert!(usize::BITS == 64, "blocks are for systems of 64 bits");

static KEPT: [[AtomicPtr<u8>; PLACES]; CLASSES] =
    [const { [const { AtomicPtr::new(null_mut()) }; PLACES] }; CLASSES];
static KEPT_BYTES: AtomicUsize = AtomicUsize::new(0);

/// The allocator of this package and of its dependencies. Node has its own.
pub struct Blocks;

#[global_allocator]
static ALLOCATOR: Blocks = Blocks;

/// Gives back the blocks that are kept.
pub fn release() {
    if KEPT_BYTES.load(Ordering::Relaxed) == 0 {
        return;
    }
    for class in 0..CLASSES {
        while let Some(block) = take(class) {
            // SAFETY: a kept block was allocated with this layout, and nobody else has it.
            #[expect(unsafe_code, reason = "blocks are raw memory")]
            unsafe {
                System.dealloc(block, layout_of(class));
            }
        }
    }
}

/// The class of the block that is used for this layout; `None` if none is.
fn class_of(layout: Layout) -> Option<usize> {
    let size = layout.size();
    if size <= SMALLEST / 2 || layout.align() > ALIGN {
        return None;
    }
    let class = size.div_ceil(SMALLEST).next_power_of_two().ilog2() as usize;
    (class < CLASSES).then_some(class)
}

/// That of the blocks of a class.
const fn layout_of(class: usize) -> Layout {
    match Layout::from_size_align(SMALLEST << class, ALIGN) {
        Ok(layout) => layout,
        // There is no such class.
        Err(_) => Layout::new::<u128>(),
    }
}

fn take(class: usize) -> Option<*mut u8> {
    let taken = |place: &AtomicPtr<u8>| {
        let is_empty = place.load(Ordering::Relaxed).is_null();
        let block = (!is_empty).then(|| place.swap(null_mut(), Ordering::Acquire))?;
        (!block.is_null()).then_some(block)
    };
    let block = KEPT[class].iter().find_map(taken)?;
    KEPT_BYTES.fetch_sub(layout_of(class).size(), Ordering::Relaxed);
    Some(block)
}

/// Whether the block is kept.
fn keep(class: usize, block: *mut u8) -> bool {
    let bytes = layout_of(class).size();
    let is_kept = |place: &AtomicPtr<u8>| {
        let null = null_mut();
        let kept = place.compare_exchange(null, block, Ordering::Release, Ordering::Relaxed);
        kept.is_ok()
    };
    // Counted before it can be taken.
    let has_room = KEPT_BYTES.fetch_add(bytes, Ordering::Relaxed) + bytes <= MOST_KEPT;
    if has_room && KEPT[class].iter().any(is_kept) {
        return true;
    }
    KEPT_BYTES.fetch_sub(bytes, Ordering::Relaxed);
    false
}

// SAFETY: every block is allocated and freed with the layout of its class, which holds what was asked for, and
// everything else with its own. A block that is kept belongs to nobody, and one thread takes it.
#[expect(unsafe_code, reason = "an allocator hands out raw memory")]
unsafe impl GlobalAlloc for Blocks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = class_of(layout) else {
            // SAFETY: as the caller's.
            return unsafe { System.alloc(layout) };
        };
        // SAFETY: no block is empty.
        take(class).unwrap_or_else(|| unsafe { System.alloc(layout_of(class)) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // New pages are zeros already.
        let layout = class_of(layout).map_or(layout, layout_of);
        // SAFETY: as the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let class = class_of(layout);
        if class.is_none_or(|class| !keep(class, memory)) {
            // SAFETY: it was allocated with this layout.
            unsafe { System.dealloc(memory, class.map_or(layout, layout_of)) };
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that it is one.
        let new_layout = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        let (class, new_class) = (class_of(layout), class_of(new_layout));
        if class.is_some() && class == new_class {
            return memory;
        }
        let Some(block) = new_class.and_then(take) else {
            let layout = class.map_or(layout, layout_of);
            let size = new_class.map_or(size, |class| layout_of(class).size());
            // SAFETY: it was allocated with this layout, and has the alignment of blocks if it becomes one.
            return unsafe { System.realloc(memory, layout, size) };
        };
        // SAFETY: both hold so many bytes, and are not the same.
        unsafe {
            ptr::copy_nonoverlapping(memory, block, layout.size().min(size));
            self.dealloc(memory, layout);
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other tests use blocks meanwhile, and so does the test harness: only what holds beside them is tested.
    #[test]
    fn a_block_is_of_the_smallest_class_that_holds_it() {
        let size = |bytes| {
            let layout = Layout::from_size_align(bytes, 1).expect("a layout");
            class_of(layout).map(|class| layout_of(class).size())
        };
        assert_eq!(size(1), None);
        assert_eq!(size(32 << 10), None);
        assert_eq!(size((32 << 10) + 1), Some(64 << 10));
        assert_eq!(size(64 << 10), Some(64 << 10));
        assert_eq!(size((64 << 10) + 1), Some(128 << 10));
        assert_eq!(size(4 << 20), Some(4 << 20));
        assert_eq!(size((4 << 20) + 1), Some(8 << 20));
        assert_eq!(size(16 << 20), Some(16 << 20));
        assert_eq!(size((16 << 20) + 1), None);
    }

    #[test]
    fn bytes_stay_what_they_are_while_they_move_between_blocks_and_other_memory() {
        std::thread::scope(|scope| {
            for seed in 0..4_u8 {
                scope.spawn(move || {
                    for round in 0..20 {
                        let mut bytes = Vec::new();
                        let expected = |at: usize| (at as u8).wrapping_mul(7) ^ seed;
                        while bytes.len() < 3 << 20 {
                            let length = bytes.len();
                            bytes.extend((length..length * 2 + 1000 + round).map(expected));
                        }
                        let is_whole = |bytes: &[u8]| {
                            let mut all = bytes.iter().enumerate();
                            all.all(|(at, byte)| *byte == expected(at))
                        };
                        assert!(is_whole(&bytes));
                        let copy = bytes.clone();
                        for length in [2 << 20, (1 << 20) + 1, 300 << 10, 1000] {
                            bytes.truncate(length);
                            bytes.shrink_to_fit();
                            assert!(is_whole(&bytes));
                            release();
                        }
                        assert!(is_whole(&copy));
                        assert!(vec![0_u8; copy.len()].iter().all(|byte| *byte == 0));
                    }
                });
            }
        });
    }
}
