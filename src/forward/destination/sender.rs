//! Senders of a destination, one task per partition: take the events that are due, send them, and hand the
//! response to the state. A sender that meets a defect begins again: events leave the queue only when the
//! state has their response.

use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, sleep_until};

use super::handle::Destination;
use super::request::Request;
use super::state::Step;
use crate::forward::transport::Transport;
use crate::util::panics::{Panicked, catch_in};

/// Before a sender begins again.
const PAUSE: Duration = Duration::from_secs(1);

pub fn start_senders<T: Transport>(destination: &Arc<Destination>, transport: &Arc<T>) {
    for partition in 0..destination.partitions() {
        let sender = Sender {
            destination: Arc::clone(destination),
            transport: Arc::clone(transport),
            partition,
        };
        destination.spawn(sender.run());
    }
}

struct Sender<T> {
    destination: Arc<Destination>,
    transport: Arc<T>,
    partition: usize,
}

impl<T: Transport> Sender<T> {
    async fn run(self) {
        while let Err(panicked) = catch_in("sender", self.send_all()).await.flatten() {
            self.destination.interrupted(&panicked);
            sleep(PAUSE).await;
        }
    }

    /// Ends when the queue is empty and no event follows.
    async fn send_all(&self) -> Result<(), Panicked> {
        let (destination, partition) = (&self.destination, self.partition);
        loop {
            match destination.poll(partition) {
                Step::End => return Ok(()),
                Step::Wait(None) => destination.woken(partition).await,
                Step::Wait(Some(until)) => tokio::select! {
                    () = sleep_until(until) => {}
                    () = destination.woken(partition) => {}
                },
                Step::Send(batch) => {
                    let profile = destination.profile();
                    let mut request = Request::of(profile, batch, destination.threads()).await?;
                    let outcome = match request.encoded.is_empty() {
                        true => Err(String::new()),
                        false => self.transport.post(take(&mut request.post)).await,
                    };
                    destination.complete(&request, outcome);
                }
            }
        }
    }
}
