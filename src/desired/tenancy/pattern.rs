//! Patterns of what a tenant may name: `*` stands for any characters, none included, and everything else for itself.
//!
//! A pattern and a text are compared field by field, so that a `*` never takes a separator along that the pattern goes on
//! with: else `…:*:secret:shop/*` would let in `…:999999999999:secret:bank/key:secret:shop/`.

/// The syntax of the patterns of one kind of text. `*` as the whole of a pattern lets in every text.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Syntax {
    /// ARNs, compared as IAM does: each of the six fields by itself, the last of which, the resource, may hold further colons and
    /// slashes. A pattern with fewer fields that ends in `*` leaves the others open.
    ///
    /// Sources: "each of the six colon-delimited components of the ARN is checked separately",
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN>;
    /// and a `*` at the end of a field "can expand to match beyond the colon boundaries",
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>, which is done at the end
    /// of the pattern only. IAM's `?` is no wildcard here.
    Arn,
    /// Images, as they are written: what is before the first `/`, often a registry, and all the rest.
    Image,
    /// Ids of file systems, one with that of an access point after a `/`. A pattern without one leaves it open.
    FileSystem,
    /// DNS names, label by label, so that who may have `*.example.com` may not have `*.bank.example.com`.
    Hostname,
    /// Ids, and paths of members: as they are written, without wildcards.
    Exact,
}

impl Syntax {
    pub(crate) fn matches(self, pattern: &str, found: &str) -> bool {
        if matches!(self, Syntax::Exact) {
            return pattern == found;
        }
        self.compare(pattern, found, text)
    }

    /// Returns true if a pattern may let in what begins with these characters and goes on with so many that nobody knows yet, and
    /// then ends or has a colon. True in doubt: what is known in the end is judged by [`Syntax::matches`].
    pub(crate) fn may_match(self, pattern: &str, begun: &str, unknown: usize) -> bool {
        self.compare(pattern, begun, |pattern, field| begins(pattern, field, unknown))
    }

    /// Compares field by field, the last one in a way of its own.
    fn compare(self, pattern: &str, found: &str, last: impl Fn(&str, &str) -> bool) -> bool {
        let (wanted, fields) = (self.fields(pattern), self.fields(found));
        let is_open = match self {
            Syntax::Arn => pattern.ends_with('*'),
            Syntax::FileSystem => true,
            Syntax::Image | Syntax::Hostname => pattern == "*",
            Syntax::Exact => false,
        };
        let fits = wanted.len() == fields.len() || is_open && wanted.len() < fields.len();
        let end = fields.len();
        let mut both = wanted.iter().zip(fields).zip(1..);
        fits && both.all(|((wanted, field), place)| {
            if place == end {
                last(wanted, field)
            } else {
                text(wanted, field)
            }
        })
    }

    fn fields(self, text: &str) -> Vec<&str> {
        match self {
            Syntax::Arn => text.splitn(6, ':').collect(),
            Syntax::Image | Syntax::FileSystem => text.splitn(2, '/').collect(),
            Syntax::Hostname => text.split('.').collect(),
            Syntax::Exact => vec![text],
        }
    }
}

/// Returns true if a pattern lets a text in that has no fields.
fn text(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        // The first place is as good as any: what follows a `*` may only come later.
        let Some((_, after)) = left.split_once(part) else {
            return false;
        };
        left = after;
    }
    left.ends_with(end)
}

/// Returns true if a part of a pattern lets in what is known of a text, and its rest may let in the unknown.
fn begins(pattern: &str, known: &str, unknown: usize) -> bool {
    let goes_on = |rest: &str| {
        let mut head = rest.chars().take(unknown);
        head.clone().any(|c| c == '*')
            || head.by_ref().count() == unknown && matches!(rest.chars().nth(unknown), None | Some(':' | '*'))
    };
    let cuts = pattern.char_indices().map(|(at, _)| at).chain([pattern.len()]);
    cuts.map(|at| pattern.split_at(at))
        .any(|(start, rest)| (start.ends_with('*') || goes_on(rest)) && text(start, known))
}

#[cfg(test)]
mod tests;
