//! Procfiles.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;

use crate::api::app::App;
use crate::procfile::{Identity, Problem, schema, to_yaml, translate_by, unfolded};

/// Made once, since that takes longer than most texts do.
static SCHEMA: LazyLock<JSONSchemaProps> = LazyLock::new(schema);

/// Any text is an App that means it, and is the same when it is printed and read again, or is refused with its lines.
pub fn procfile(data: &[u8]) {
    let identity = Identity {
        name: "acme".into(),
        image: "registry.example.com/acme:v42".into(),
        platform: None,
    };
    let translate = |text: &[u8], wraps| translate_by(&SCHEMA, text, &identity, wraps);
    let lines = data.split(|byte| b"\r\n".contains(byte)).count();
    let said = |problems: &[Problem]| {
        for problem in problems {
            let message = problem.to_string();
            assert!(problem.line <= lines, "{message}");
            assert!(
                !problem.message.is_empty() && !message.contains(char::is_control),
                "{message:?}"
            );
        }
    };
    for wraps in [false, true] {
        let app = match translate(data, wraps) {
            Ok(translated) => {
                said(&translated.warnings);
                translated.app
            }
            Err(problems) => {
                assert!(!problems.is_empty());
                said(&problems);
                continue;
            }
        };
        let yaml = to_yaml(&app).unwrap_or_default();
        let read = serde_saphyr::from_str::<App>(&yaml);
        assert!(read.as_ref().is_ok_and(|read| *read == app), "{read:?}\n{yaml}");
        // Its own processes are a Procfile, as block and as flow.
        let block = unfolded(&app.spec.processes).unwrap_or_default();
        let flow = serde_json::to_string(&app.spec.processes).unwrap_or_default();
        for own in [block, escaped(&flow)] {
            let again = translate(own.as_bytes(), false);
            let again = again.map(|translated| translated.app.spec.processes);
            assert_eq!(again.as_ref(), Ok(&app.spec.processes), "{own}");
        }
    }
}

/// JSON that is YAML, too, which takes fewer characters as they are.
fn escaped(json: &str) -> String {
    let units = json.encode_utf16().map(|unit| match u8::try_from(unit) {
        Ok(byte @ b' '..=b'~') => char::from(byte).to_string(),
        _ => format!("\\u{unit:04x}"),
    });
    units.collect::<Vec<_>>().concat()
}
