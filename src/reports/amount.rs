//! Amounts that are texts. JavaScript's `Number()` says which of them are numbers, as in `lib/encode/amount.js`.

const LARGEST: f64 = 9_007_199_254_740_992.0;
/// UTF-16 units of a text that may be an amount.
const LONGEST: usize = 256;
/// What JavaScript trims beside the white space of Unicode.
const BYTE_ORDER_MARK: char = '\u{FEFF}';
/// White space of Unicode that JavaScript does not trim.
const NEXT_LINE: char = '\u{85}';

/// The amount that counts; 0 for what is none.
pub fn of_text(text: &str) -> f64 {
    if text.encode_utf16().count() > LONGEST {
        return 0.0;
    }
    let is_space = |c: char| c == BYTE_ORDER_MARK || (c.is_whitespace() && c != NEXT_LINE);
    let number = number(text.trim_matches(is_space)).unwrap_or(0.0);
    match number.abs() <= LARGEST {
        true => number,
        false => 0.0,
    }
}

fn number(text: &str) -> Option<f64> {
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        let head = text.get(..2).map(str::to_ascii_lowercase);
        if head.as_deref() == Some(prefix) {
            return whole(&text[2..], radix);
        }
    }
    match is_decimal(text) {
        true => text.parse().ok(),
        false => None,
    }
}

fn whole(digits: &str, radix: u32) -> Option<f64> {
    let add = |sum: f64, c: char| Some(sum * f64::from(radix) + f64::from(c.to_digit(radix)?));
    match digits.is_empty() {
        true => None,
        false => digits.chars().try_fold(0.0, add),
    }
}

/// `[+-] digits [. digits] [e [+-] digits]`, with a digit before or behind the point.
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (before, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digits = !before.is_empty() || !behind.is_empty();
    let is_exponent = |text: &str| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        !digits.is_empty() && are_digits(digits)
    };
    has_digits && are_digits(before) && are_digits(behind) && exponent.is_none_or(is_exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_count_as_javascript_reads_them() {
        for (text, amount) in [
            ("12", 12.0),
            (" 12 ", 12.0),
            ("\u{FEFF}\u{2028}7\n", 7.0),
            ("0x10", 16.0),
            ("0B11", 3.0),
            ("-0x10", 0.0),
            ("0x", 0.0),
            (".5", 0.5),
            ("5.", 5.0),
            (".", 0.0),
            ("+1e3", 1_000.0),
            ("1e", 0.0),
            ("", 0.0),
            (" ", 0.0),
            ("Infinity", 0.0),
            ("inf", 0.0),
            ("NaN", 0.0),
            ("1_000", 0.0),
            ("12 gold", 0.0),
            ("\u{85}1", 0.0),
            ("9007199254740992", LARGEST),
            ("9007199254740994", 0.0),
            ("-9007199254740992", -LARGEST),
            ("1e400", 0.0),
            ("\u{661}", 0.0),
        ] {
            assert_eq!(of_text(text), amount, "{text:?}");
        }
        assert_eq!(of_text(&"0".repeat(257)), 0.0);
        assert_eq!(of_text(&format!("{}1", "0".repeat(255))), 1.0);
    }
}
