//! What `getMetrics()` and `getLast30Days()` read: daily documents, never sessions.

use bson::raw::RawBsonRef;
use bson::{RawDocument, RawDocumentBuf, doc};
use mongodb::Cursor;

use super::{MongoStore, MonthView, Result, Sums, store_error, unexpected};
use crate::record::day::Day;

impl MongoStore {
    pub(super) async fn read_month(&self, today: &Day) -> Result<MonthView> {
        let documents = self
            .daily
            .clone_with_type::<RawDocumentBuf>()
            .find(doc! { "month": today.month() })
            .projection(doc! { "_a.w": 0 })
            .await
            .map_err(store_error)?;
        let mut view = MonthView::default();
        for document in collect(documents).await? {
            add_sums(&mut view.sums, &document);
            if view.today.is_none()
                && document
                    .get_str("day")
                    .is_ok_and(|day| day == today.as_str())
            {
                view.today = Some(without_book_keeping(&document)?);
            }
        }
        Ok(view)
    }

    pub(super) async fn read_newest(&self, count: u32) -> Result<Vec<RawDocumentBuf>> {
        let documents = self
            .daily
            .clone_with_type::<RawDocumentBuf>()
            .find(doc! {})
            .sort(doc! { "day": -1 })
            .limit(i64::from(count))
            .projection(doc! { "_a": 0 })
            .await
            .map_err(store_error)?;
        collect(documents).await
    }
}

async fn collect(mut cursor: Cursor<RawDocumentBuf>) -> Result<Vec<RawDocumentBuf>> {
    let mut documents = Vec::new();
    while cursor.advance().await.map_err(store_error)? {
        documents.push(cursor.current().to_owned());
    }
    Ok(documents)
}

fn add_sums(sums: &mut Sums, document: &RawDocument) {
    let Ok(book) = document.get_document("_a") else {
        return;
    };
    let number = |name: &str| match book.get(name) {
        Ok(Some(RawBsonRef::Int32(value))) => f64::from(value),
        Ok(Some(RawBsonRef::Double(value))) => value,
        _ => 0.0,
    };
    sums.mau += number("mau");
    sums.session_seconds += number("sessionSeconds");
    sums.sessions_closed += number("sessionsClosed");
}

fn without_book_keeping(document: &RawDocument) -> Result<RawDocumentBuf> {
    let mut shown = RawDocumentBuf::new();
    for element in document {
        let (name, value) = element.map_err(|_| unexpected("a readable daily document"))?;
        if name.as_str() != "_a" {
            shown.append(name, value);
        }
    }
    Ok(shown)
}
