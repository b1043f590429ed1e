//! Values that users write as text: durations, quantities and command lines.

/// Whole seconds of a duration such as `90s`, `1m30s` or `1h`; the schema has checked its form.
pub(crate) fn seconds(duration: &str) -> Option<u32> {
    let mut total: u32 = 0;
    let mut rest = duration;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let unit = match tail.chars().next()? {
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u32>().ok()?.checked_mul(unit)?)?;
        rest = tail.get(1..)?;
    }
    Some(total)
}

/// A Kubernetes quantity of bytes. `None` if it is no quantity, or of no use for bytes.
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
pub(crate) fn bytes(quantity: &str) -> Option<f64> {
    let digits = quantity
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '+')
        .unwrap_or(quantity.len());
    let (number, suffix) = quantity.split_at(digits);
    // Exact for every size there is: a mantissa holds 53 bits, and 2^53 bytes are 8 PiB.
    let factor = match suffix {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1_024.0,
        "Mi" => 1_024_f64.powi(2),
        "Gi" => 1_024_f64.powi(3),
        "Ti" => 1_024_f64.powi(4),
        "Pi" => 1_024_f64.powi(5),
        "Ei" => 1_024_f64.powi(6),
        exponent => 10_f64.powi(exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    Some(number.parse::<f64>().ok()? * factor)
}

/// A Kubernetes quantity of bytes in whole MiB, rounded up. `None` if it is no quantity, not above zero, or beyond
/// what a container can be given.
pub(crate) fn mebibytes(quantity: &str) -> Option<u32> {
    let mebibytes = (bytes(quantity)? / 1_024_f64.powi(2)).ceil();
    // What a container needs at the least, the schema knows.
    if !(1.0..=f64::from(i32::MAX)).contains(&mebibytes) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked just above"
    )]
    Some(mebibytes as u32)
}

/// Says what is wrong with a path that [`is_mount`] refuses.
pub(crate) const NO_MOUNT: &str =
    "must be below /, without a / at its end and without //, . and .. in it, such as /var/tmp";

/// Returns true for an absolute path that is not the root, written as no other path to the same directory is.
pub(crate) fn is_mount(path: &str) -> bool {
    let mut parts = path.split('/').skip(1);
    parts.all(|part| !matches!(part, "" | "." | ".."))
}

/// Says what is wrong with the path of a volume in which [`COLON`] stands.
pub(crate) const NO_COLON: &str = "must be without : in it, at which Docker ends the path";
pub(crate) const COLON: char = ':';

/// Says what is wrong with a name that [`is_name`] refuses.
pub(crate) const NO_NAME: &str = "a name has at most 63 letters, digits, hyphens and underscores";

/// Returns true for the name of a container or a volume. ECS takes up to 255 characters.
pub(crate) fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (1..=63).contains(&name.len()) && name.chars().all(is_part)
}

/// Says what is wrong with a name that [`is_variable`] refuses.
pub(crate) const NO_VARIABLE: &str =
    "a name consists of letters, digits, _, - and ., and does not begin with a digit";

/// Returns true for the name of an environment variable, as the schema has it for processes.
pub(crate) fn is_variable(name: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || "-._".contains(c);
    name.starts_with(is_first) && name.chars().all(|c| is_first(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_seconds() {
        for (text, expected) in [
            ("10s", Some(10)),
            ("1m30s", Some(90)),
            ("1h", Some(3_600)),
            ("5", None),
            ("1d", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn quantities_round_up_to_whole_mebibytes() {
        for (text, expected) in [
            ("512Mi", Some(512)),
            ("1Gi", Some(1_024)),
            ("0.5Gi", Some(512)),
            ("1500k", Some(2)),
            ("1", Some(1)),
            ("1M", Some(1)),
            ("512e6", Some(489)),
            ("1000m", Some(1)),
            ("0", None),
            ("-1Mi", None),
            ("1Xi", None),
            ("", None),
            ("9Ei", None),
        ] {
            assert_eq!(mebibytes(text), expected, "{text}");
        }
    }
}
