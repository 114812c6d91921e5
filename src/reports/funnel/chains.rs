//! Chains: how far one user comes through the steps of a funnel.
//!
//! A chain that reaches step k is k different events, in the order of the steps, with times that do not
//! decrease: events of one millisecond count as ordered. It begins within the span of its cohort and takes no
//! longer than the window. Of all chains that have reached a step, only the one that began last matters: it has
//! the most time left, and whatever extends another one extends it too.

/// The chains of one user in one cohort.
#[derive(Debug, Clone, Default)]
pub struct Chains {
    /// For each step that was reached.
    reached: Vec<Reached>,
}

#[derive(Debug, Clone, Copy)]
struct Reached {
    /// The begin of the chain that began last.
    begin_ms: i64,
    /// The shortest time of a chain to this step.
    shortest_ms: i64,
}

impl Chains {
    /// Extends the chains by all events of one moment, each by the number of its name. A chain may begin at
    /// that moment, too, if `may_begin`. Moments come in their order.
    pub fn extend(
        &mut self,
        now_ms: i64,
        events: &[u8],
        may_begin: bool,
        steps: &[u8],
        window_ms: i64,
    ) {
        // From the longest on, so that none is extended twice.
        for from in (1..=self.reached.len()).rev() {
            let begin_ms = self.reached[from - 1].begin_ms;
            if now_ms - begin_ms <= window_ms {
                self.extend_one(from, begin_ms, now_ms, events, steps);
            }
        }
        if may_begin {
            self.extend_one(0, now_ms, now_ms, events, steps);
        }
    }

    /// The shortest time to each step that was reached, ms.
    pub fn shortest(&self) -> impl Iterator<Item = i64> {
        self.reached.iter().map(|reached| reached.shortest_ms)
    }

    /// Extends a chain that has reached so many steps as far as the events go, each of which is used once.
    fn extend_one(&mut self, from: usize, begin_ms: i64, now_ms: i64, events: &[u8], steps: &[u8]) {
        let is_extended = steps.get(from).is_some_and(|step| events.contains(step));
        if !is_extended {
            return;
        }
        let mut unused = events.to_vec();
        for (at, step) in steps.iter().enumerate().skip(from) {
            let Some(found) = unused.iter().position(|event| event == step) else {
                return;
            };
            unused.swap_remove(found);
            let this = Reached {
                begin_ms,
                shortest_ms: now_ms - begin_ms,
            };
            match self.reached.get_mut(at) {
                None => self.reached.push(this),
                Some(known) => {
                    known.begin_ms = known.begin_ms.max(this.begin_ms);
                    known.shortest_ms = known.shortest_ms.min(this.shortest_ms);
                }
            }
        }
    }
}
