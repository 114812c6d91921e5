//! Looks: what is read to know which days are to be reported. Days that are long over are read once an hour, and
//! when one of them seems to be due; the others each time.

use tokio::sync::Mutex;

use super::due::Outlook;
use crate::record::day::{DAY_MS, Day};
use crate::store::{Mark, ReportStore, Result, Sources};

/// Days before today that are read at each look: after these no run point follows.
const RECENT_DAYS: i64 = 8;
/// How long it is believed what was read of older days.
const BELIEVED_MS: i64 = 3_600_000;

/// The looks at one database.
#[derive(Default)]
pub struct Looks {
    whole: Mutex<Option<Seen>>,
}

/// What was read at a moment.
struct Seen {
    now_ms: i64,
    events_kept_ms: Option<i64>,
    sources: Sources,
    marks: Vec<Mark>,
}

impl Looks {
    /// The days that there are, now.
    pub async fn look<S: ReportStore>(&self, store: &S) -> Result<Outlook> {
        let known = &mut *self.whole.lock().await;
        let now_ms = store.server_ms().await?;
        let since = Day::of(now_ms - RECENT_DAYS * DAY_MS);
        let is_believed = |known: &&Seen| (0..BELIEVED_MS).contains(&(now_ms - known.now_ms));
        if let Some(known) = known.as_ref().filter(is_believed) {
            let mut recent = Seen::read(store, now_ms, Some(&since)).await?;
            recent.add_older(known, &since);
            let outlook = recent.outlook();
            if outlook.due.first().is_none_or(|first| *first >= since) {
                return Ok(outlook);
            }
        }
        let whole = Seen::read(store, now_ms, None).await?;
        let outlook = whole.outlook();
        *known = Some(whole);
        Ok(outlook)
    }
}

impl Seen {
    async fn read<S: ReportStore>(store: &S, now_ms: i64, since: Option<&Day>) -> Result<Self> {
        Ok(Self {
            now_ms,
            events_kept_ms: store.events_kept_ms().await?,
            sources: store.sources(since).await?,
            marks: store.marks(since).await?,
        })
    }

    fn add_older(&mut self, known: &Seen, since: &Day) {
        let days = known.sources.session_days.iter();
        let mut days: Vec<Day> = days.filter(|day| *day < since).cloned().collect();
        days.append(&mut self.sources.session_days);
        self.sources.session_days = days;
        let marks = known.marks.iter().filter(|mark| mark.day < *since);
        self.marks.extend(marks.cloned());
    }

    fn outlook(&self) -> Outlook {
        let marks = self.marks.clone();
        Outlook::new(self.now_ms, self.events_kept_ms, &self.sources, marks)
    }
}
