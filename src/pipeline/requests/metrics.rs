//! Metrics for `getMetrics()`, read from small documents: the daily documents of the month and the baselines
//! of its days.

use std::sync::atomic::{AtomicUsize, Ordering};

use bson::raw::{RawBsonRef, cstr};
use bson::{RawDocument, RawDocumentBuf};

use crate::pipeline::legacy::Baselines;
use crate::record::day::Day;
use crate::record::document::raw_number as number;
use crate::store::{Result, Store, StoreError, Sums};

/// Reads today and its month, whose baselines must be summed up, as
/// `{ today, dau, mau, avgSessionMin, activeSessions }`.
pub async fn read<S: Store>(
    store: &S,
    baselines: &Baselines,
    today: &Day,
    active_sessions: &AtomicUsize,
) -> Result<RawDocumentBuf> {
    let mut sums = Sums::default();
    for baseline in baselines.of(store, &today.days_of_month_so_far()).await? {
        let problem = "the sessions stored before are not summed up";
        let part = baseline.sums;
        add(
            &mut sums,
            part.ok_or_else(|| StoreError::transient(problem))?,
        );
    }
    let view = store.month(today).await?;
    add(&mut sums, view.sums);
    let active_sessions = active_sessions.load(Ordering::Acquire);
    Ok(document(
        &view.today.unwrap_or_default(),
        sums,
        active_sessions,
    ))
}

fn add(total: &mut Sums, part: Sums) {
    total.mau += part.mau;
    total.session_seconds += part.session_seconds;
    total.sessions_closed += part.sessions_closed;
}

fn document(today: &RawDocument, sums: Sums, active_sessions: usize) -> RawDocumentBuf {
    let mean_s = match sums.sessions_closed {
        closed if closed > 0.0 => sums.session_seconds / closed,
        _ => 0.0,
    };
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("today"), today);
    document.append(cstr!("dau"), dau(today));
    document.append(cstr!("mau"), number(sums.mau));
    document.append(
        cstr!("avgSessionMin"),
        number((mean_s / 60.0 + 0.5).floor()),
    );
    document.append(cstr!("activeSessions"), number(active_sessions as f64));
    document
}

fn dau(today: &RawDocument) -> RawBsonRef<'_> {
    match today.get("dau") {
        Ok(Some(RawBsonRef::Null)) | Ok(None) | Err(_) => RawBsonRef::Int32(0),
        Ok(Some(value)) => value,
    }
}

#[cfg(test)]
mod tests {
    use bson::{doc, rawdoc};

    use super::*;

    fn shown(today: Option<RawDocumentBuf>, sums: Sums) -> bson::Document {
        let document = document(&today.unwrap_or_default(), sums, 3);
        bson::Document::try_from(document).expect("valid BSON")
    }

    #[test]
    fn without_a_document_for_today_everything_is_zero() {
        let expected =
            doc! { "today": {}, "dau": 0, "mau": 0, "avgSessionMin": 0, "activeSessions": 3 };
        assert_eq!(shown(None, Sums::default()), expected);
    }

    #[test]
    fn the_mean_session_is_rounded_to_minutes() {
        let sums = Sums {
            mau: 7.0,
            session_seconds: 450.0,
            sessions_closed: 5.0,
        };
        let expected = doc! { "today": { "dau": 2 }, "dau": 2, "mau": 7, "avgSessionMin": 2,
        "activeSessions": 3 };
        assert_eq!(shown(Some(rawdoc! { "dau": 2 }), sums), expected);
    }
}
