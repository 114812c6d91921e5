//! Senders of a destination, one task per partition: take the events that are due, send them, and hand the
//! response to the state.

use std::mem::take;
use std::sync::Arc;

use tokio::time::sleep_until;

use super::handle::Destination;
use super::request::Request;
use super::state::Step;
use crate::forward::transport::Transport;

/// Must be called on the runtime.
pub fn start_senders<T: Transport>(destination: &Arc<Destination>, transport: &Arc<T>) {
    for partition in 0..destination.partitions() {
        let (destination, transport) = (Arc::clone(destination), Arc::clone(transport));
        tokio::spawn(run(destination, transport, partition));
    }
}

/// Ends when the queue is empty and no event follows.
async fn run<T: Transport>(destination: Arc<Destination>, transport: Arc<T>, partition: usize) {
    loop {
        match destination.poll(partition) {
            Step::End => return,
            Step::Wait(None) => destination.woken(partition).await,
            Step::Wait(Some(until)) => tokio::select! {
                () = sleep_until(until) => {}
                () = destination.woken(partition) => {}
            },
            Step::Send(batch) => {
                let mut request = Request::of(destination.profile(), batch).await;
                let outcome = match request.encoded {
                    0 => Err(String::new()),
                    _ => transport.post(take(&mut request.body)).await,
                };
                destination.complete(&request, outcome);
            }
        }
    }
}
