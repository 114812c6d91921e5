//! Random names of writers and of builders.

/// `[a-z][a-z0-9]{9}`: more than 10^15 of them, so that nobody has to ask whether one is taken.
pub fn random_id() -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut name = String::with_capacity(10);
    for place in 0..10 {
        let choices = if place == 0 { 26 } else { LETTERS.len() };
        name.push(char::from(LETTERS[rand::random_range(0..choices)]));
    }
    name
}
