//! What an HTTP reply says of a failure.

use aws_sdk_ecs::config::http::HttpResponse;

use crate::model::class::Class;

/// The parts of an HTTP reply that decide.
pub(super) struct Reply {
    pub status: u16,
    pub is_html: bool,
    pub code: String,
    pub message: String,
}

impl Reply {
    /// Reads a reply, of which the SDK may know code and message.
    pub(super) fn new(
        raw: &HttpResponse,
        code: Option<&str>,
        message: Option<&str>,
        otherwise: &str,
    ) -> Self {
        let body = String::from_utf8_lossy(raw.body().bytes().unwrap_or_default());
        let status = raw.status().as_u16();
        let start = body.trim_start().to_ascii_lowercase();
        let is_html = start.starts_with("<!doctype html") || start.starts_with("<html");
        let bare = if code.is_none() && !is_html {
            bare_route53_error(&body)
        } else {
            None
        };
        let (code, message) = match (code, bare) {
            (Some(code), _) => (code.to_owned(), message.unwrap_or(otherwise).to_owned()),
            (None, Some(bare)) => bare,
            (None, None) if is_html => (
                format!("Status{status}"),
                "an HTML page instead of a reply".into(),
            ),
            (None, None) => (format!("Status{status}"), message.unwrap_or(otherwise).to_owned()),
        };
        Reply {
            status,
            is_html,
            code,
            message,
        }
    }
}

/// Reads code and message off a reply, which is JSON or XML:
/// <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization>.
pub(super) fn code_and_message(raw: &HttpResponse) -> (Option<String>, Option<String>) {
    let body = raw.body().bytes().unwrap_or_default();
    let shape = |code: &str| {
        let code = code.split(':').next().unwrap_or(code);
        code.rsplit('#').next().unwrap_or(code).to_owned()
    };
    let named = raw.headers().get("x-amzn-errortype").map(shape);
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(body) {
        let text = |names: [&str; 2]| names.into_iter().find_map(|name| json.get(name)?.as_str());
        let message = text(["message", "Message"]).map(ToOwned::to_owned);
        return (named.or_else(|| text(["__type", "code"]).map(shape)), message);
    }
    let body = String::from_utf8_lossy(body);
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        Some(rest.split_once("</")?.0.to_owned())
    };
    (named.or_else(|| element("Code")), element("Message"))
}

/// Route 53 reports a refused batch in two shapes; the SDK reads only the one inside `ErrorResponse`. The other is
/// `<InvalidChangeBatch><Messages><Message>…`:
/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html>.
fn bare_route53_error(body: &str) -> Option<(String, String)> {
    const CODE: &str = "InvalidChangeBatch";
    if !body.contains(&format!("<{CODE}")) {
        return None;
    }
    let messages: Vec<&str> = body
        .split("<Message>")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("</Message>")?.0))
        .collect();
    let message = messages
        .join("; ")
        .replace("&apos;", "'")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    Some((CODE.into(), message))
}

/// Returns the class of a reply whose code no rule knows.
pub(super) fn class_of_status(reply: &Reply) -> Class {
    match reply.status {
        501 => Class::Bug,
        // Whatever its body: a front end of AWS, or a gateway on the way, answers with a page of HTML while the service
        // behind it is out of order, and recovers.
        500..=599 => Class::Transient,
        // Whatever answered, it was not the service: an emulator that does not know the action, a captive portal.
        _ if reply.is_html => Class::Bug,
        429 => Class::Throttled,
        400..=499 => Class::Refused,
        // Also a reply that broke off or could not be read.
        _ => Class::Transient,
    }
}
