//! The texts of ownership records: lines with an installation, a namespace, an App, a process and a time, and then any text that
//! a zone may have at the place of such a record.

use crate::model::keeping::{kept_text, kept_until};
use crate::model::owner::{AppName, Owner, app_in_record_text, owner_in_record_text, process_in_record_text};
use crate::model::record::{txt_text, txt_value};

/// What is written is read again, also where it is kept; and any text has one owner at most, the one whom it names.
pub fn ownership(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let parts: Vec<&str> = text.splitn(6, '\n').collect();
    let [installation, namespace, name, process, until, found] = *parts else {
        return;
    };
    let read = txt_text(found);
    assert!(read.len() <= found.len());
    let named = [found, &read].map(|text| (owner_in_record_text(text), text));
    if ![installation, namespace, name, process, until]
        .into_iter()
        .all(is_plain)
    {
        return;
    }
    let owner = Owner {
        installation: installation.into(),
        app: AppName {
            namespace: namespace.into(),
            name: name.into(),
        },
    };
    for (named, text) in named {
        if owner.owns_record_text(text) {
            assert_eq!(named.as_ref(), Some(&owner), "{text}");
            assert_eq!(kept_until(text), None, "{text}");
        }
    }
    let text = owner.record_text(process);
    let kept = kept_text(&text, until);
    for (text, is_kept) in [(&text, false), (&kept, true)] {
        let read = txt_text(&txt_value(text));
        assert_eq!(&read, text);
        assert_eq!(owner.owns_record_text(&read), !is_kept);
        assert_eq!(owner_in_record_text(&read).as_ref(), Some(&owner));
        assert_eq!(app_in_record_text(&read), Some(owner.app.to_string().as_str()));
        assert_eq!(process_in_record_text(&read), Some(process));
        assert_eq!(kept_until(&read), is_kept.then_some(until));
    }
}

/// The characters of the names that Kubernetes takes, and of a time.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte))
}
