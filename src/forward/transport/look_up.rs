//! Look-up of names, as the system does it, on threads that are kept: libraries would make threads for it, and
//! a system that refuses them would end their tasks.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use crate::util::threads::Threads;

#[derive(Clone)]
pub struct LookUp(Threads);

impl LookUp {
    pub fn new(threads: &Threads) -> Self {
        Self(threads.clone())
    }
}

impl Service<Name> for LookUp {
    type Response = IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let look_up = self.0.run(move || (name.as_str(), 0).to_socket_addrs());
        Box::pin(async { look_up.await? })
    }
}
