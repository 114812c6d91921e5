//! Stored events for `gso-analytics replay`.

use bson::RawDocumentBuf;
use bson::raw::{RawArrayBuf, cstr};

use crate::store::{Result, Store, StoreError, StoredEvents};

/// A page of events: `{ events, sessions, isLast }`.
pub async fn read<S: Store>(store: &S, wanted: &StoredEvents) -> Result<RawDocumentBuf> {
    let page = store.stored_events(wanted).await?;
    let (mut events, mut sessions) = (RawArrayBuf::new(), RawArrayBuf::new());
    page.events.into_iter().for_each(|one| events.push(one));
    for session in page.sessions {
        let session = RawDocumentBuf::try_from(session);
        sessions.push(session.map_err(|_| StoreError::permanent("a session cannot be read"))?);
    }
    let mut answer = RawDocumentBuf::new();
    answer.append(cstr!("events"), &events);
    answer.append(cstr!("sessions"), &sessions);
    answer.append(cstr!("isLast"), page.is_last);
    Ok(answer)
}
