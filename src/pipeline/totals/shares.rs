//! Shares: the content of share files, contributions one by one. A file is a sequence of documents, so that
//! neither to write nor to read it takes much memory beside its bytes.

use std::io::{self, ErrorKind};

use serde::{Deserialize, Serialize};

use super::contribution::{Amount, Contribution};
use crate::record::counters::Counter;
use crate::record::day::Day;

/// Contributions of one document.
const PIECE: usize = 1_000;

#[derive(Serialize, Deserialize)]
struct Piece {
    shares: Vec<Share>,
}

#[derive(Serialize, Deserialize)]
pub struct Share {
    seq: i64,
    day: String,
    /// A counter, with its amount; `None` for a login or a closed session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counter: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    number: f64,
    /// Of a closed session, what was counted before.
    #[serde(default)]
    counted: f64,
}

pub fn to_bytes(contributions: &[Contribution]) -> bson::error::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for some in contributions.chunks(PIECE) {
        let shares = some.iter().map(Share::of).collect();
        bytes.extend(bson::serialize_to_vec(&Piece { shares })?);
    }
    Ok(bytes)
}

/// An error of the kind [`ErrorKind::InvalidData`] for anything else.
pub fn read(mut bytes: &[u8]) -> io::Result<Vec<Contribution>> {
    let invalid = || io::Error::from(ErrorKind::InvalidData);
    let mut all = Vec::new();
    while let Some(length) = bytes.first_chunk() {
        let length = usize::try_from(i32::from_le_bytes(*length)).map_err(|_| invalid())?;
        let (piece, rest) = bytes.split_at_checked(length).ok_or_else(invalid)?;
        let piece: Piece = bson::deserialize_from_slice(piece).map_err(|_| invalid())?;
        for share in piece.shares {
            all.push(share.read().ok_or_else(invalid)?);
        }
        bytes = rest;
    }
    match bytes {
        [] => Ok(all),
        _ => Err(invalid()),
    }
}

impl Share {
    fn of(one: &Contribution) -> Self {
        let (counter, user, number, counted) = match &one.amount {
            Amount::Counted(counter, amount) => {
                (Some(counter.field().to_owned()), None, *amount, 0.0)
            }
            Amount::Login(user) => (None, Some(user.to_string()), 0.0, 0.0),
            Amount::Closed { seconds, counted } => (None, None, *seconds, *counted),
        };
        Self {
            seq: one.seq,
            day: one.day.as_str().to_owned(),
            counter,
            user,
            number,
            counted,
        }
    }

    /// `None` for a counter that this release does not have.
    pub fn read(self) -> Option<Contribution> {
        let amount = match (self.counter, self.user) {
            (Some(field), _) => Amount::Counted(Counter::named(&field)?, self.number),
            (None, Some(user)) => Amount::Login(user.into()),
            (None, None) => Amount::Closed {
                seconds: self.number,
                counted: self.counted,
            },
        };
        Some(Contribution {
            seq: self.seq,
            day: Day::named(&self.day)?,
            amount,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_they_were_written_and_no_part_of_them() {
        let amounts = [
            Amount::Counted(Counter::CreditsEarned, 0.1 + 0.2),
            Amount::Login("ann".into()),
            Amount::Closed {
                seconds: 61.0,
                counted: 40.0,
            },
        ];
        let all: Vec<Contribution> = (0..2_500)
            .map(|seq| Contribution {
                seq,
                day: Day::of(seq << 20),
                amount: amounts[seq as usize % 3].clone(),
            })
            .collect();
        let bytes = to_bytes(&all).expect("a document");
        assert_eq!(read(&bytes).expect("readable"), all);
        for length in [1, 100, bytes.len() - 1] {
            let error = read(&bytes[..length]).expect_err("a part");
            assert_eq!(error.kind(), ErrorKind::InvalidData);
        }
        assert!(read(&[0xff; 9]).is_err() && read(&[0; 9]).is_err());
    }
}
