//! The request of a batch, and its refusals.

use super::{TARGET, XMLNS, alias, alias_xml, changed, no_zone, read, record, record_xml, values_xml};
use crate::aws::replay::{self, Replay};
use crate::aws::{AwsError, Fault, Route53Writes, Zones};
use crate::model::class::Class;
use crate::model::record::{RecordChange, RecordContent, RecordKind, txt_text, txt_value};

/// The one change of a batch, as sent.
async fn sent_change(change: RecordChange) -> String {
    let aws = Replay::new([changed()]);
    aws.clients.change_records("Z123", &[change]).await.unwrap();
    let body = aws.only().body;
    let start = format!("<ChangeResourceRecordSetsRequest {XMLNS}><ChangeBatch><Changes>");
    let end = "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>";
    let inner = body.strip_prefix(&start).and_then(|rest| rest.strip_suffix(end));
    inner.unwrap_or_else(|| panic!("{body}")).to_owned()
}

#[tokio::test]
async fn an_alias_is_read_as_it_was_written() {
    let ours = alias("acme.example.com");
    for dns_name in [format!("{TARGET}."), TARGET.to_uppercase()] {
        assert_eq!(
            read(&record_xml("acme.example.com.", "A", &alias_xml(&dns_name))).await,
            ours
        );
    }
    assert_eq!(
        sent_change(RecordChange::Create(ours)).await,
        format!(
            "<Change><Action>CREATE</Action>{}</Change>",
            record_xml("acme.example.com.", "A", &alias_xml(&format!("{TARGET}.")))
        )
    );
}

/// Route 53 deletes only what the request repeats exactly.
#[tokio::test]
async fn a_delete_repeats_what_was_listed() {
    let target = format!("{}.", TARGET.to_uppercase());
    let records = [
        record_xml("acme.example.com.", "CNAME", &values_xml(86_400, &[&target])),
        record_xml(
            "_empire.acme.example.com.",
            "TXT",
            &values_xml(60, &["\"a b\" \"c\"", "\"d\""]),
        ),
        record_xml("acme.example.com.", "A", &alias_xml(&format!("{TARGET}."))),
        record_xml(
            "mail.example.com.",
            "MX",
            &values_xml(7, &["10 mail.example.com"]),
        ),
    ];
    for xml in records {
        let sent = sent_change(RecordChange::Delete(read(&xml).await)).await;
        let sent = sent.replace("&quot;", "\"");
        assert_eq!(sent, format!("<Change><Action>DELETE</Action>{xml}</Change>"));
    }
}

#[tokio::test]
async fn a_move_is_one_batch_in_order() {
    let name = "acme.example.com";
    let changes = [
        RecordChange::Delete(record(name, RecordKind::Cname, 60, &["old.example.com"])),
        RecordChange::Create(record(name, RecordKind::Cname, 30, &["new.example.com"])),
    ];
    let aws = Replay::new([changed()]);
    aws.clients.change_records("Z123", &changes).await.unwrap();
    let sent = aws.only();
    assert_eq!(sent.line, "POST /2013-04-01/hostedzone/Z123/rrset");
    let delete = record_xml(
        "acme.example.com.",
        "CNAME",
        &values_xml(60, &["old.example.com"]),
    );
    let create = record_xml(
        "acme.example.com.",
        "CNAME",
        &values_xml(30, &["new.example.com"]),
    );
    assert_eq!(
        sent.body,
        format!(
            "<ChangeResourceRecordSetsRequest {XMLNS}><ChangeBatch><Changes>\
             <Change><Action>DELETE</Action>{delete}</Change><Change><Action>CREATE</Action>{create}</Change>\
             </Changes></ChangeBatch></ChangeResourceRecordSetsRequest>"
        )
    );
}

#[tokio::test]
async fn a_long_ownership_text_travels_in_several_strings() {
    let text = "x".repeat(300);
    let value = txt_value(&text);
    let name = "_empire.acme.example.com";
    let sent = sent_change(RecordChange::Create(record(name, RecordKind::Txt, 60, &[&value]))).await;
    let xml = sent
        .strip_prefix("<Change><Action>CREATE</Action>")
        .and_then(|rest| rest.strip_suffix("</Change>"))
        .unwrap();
    let found = read(xml).await;
    let RecordContent::Values { values, .. } = found.content else {
        panic!("{found:?}")
    };
    assert_eq!(values, [value]);
    assert_eq!(txt_text(&values[0]), text);
}

#[tokio::test]
async fn taking_away_from_a_zone_that_is_gone_succeeds_and_adding_to_it_does_not() {
    let (delete, create) = (
        RecordChange::Delete(alias("acme.example.com")),
        RecordChange::Create(alias("acme.example.com")),
    );
    let aws = Replay::new([no_zone(), no_zone(), no_zone()]);
    aws.clients
        .change_records("Z123", &[delete.clone(), delete.clone()])
        .await
        .unwrap();
    for changes in [vec![create.clone()], vec![delete, create]] {
        let error = aws.clients.change_records("Z123", &changes).await.unwrap_err();
        assert_eq!(error.class(), Class::Denied);
    }
}

async fn refused(status: u16, body: String) -> AwsError {
    let aws = Replay::new([replay::reply(status, body)]);
    let create = RecordChange::Create(alias("acme.example.com"));
    aws.clients.change_records("Z123", &[create]).await.unwrap_err()
}

const EXISTS: &str =
    "Tried to create resource record set [name='acme.example.com.', type='A'] but it already exists";

#[tokio::test]
async fn a_refused_batch_is_read_in_both_shapes() {
    let escaped = EXISTS.replace('\'', "&apos;");
    let bare = refused(
        400,
        format!(
            "<?xml version=\"1.0\"?>\n<InvalidChangeBatch {XMLNS}><Messages><Message>{escaped}</Message>\
             <Message>a &lt;b&gt; &amp;amp; &quot;c&quot;</Message></Messages><RequestId>r-1</RequestId></InvalidChangeBatch>"
        ),
    )
    .await;
    assert_eq!(bare.fault, Fault::Stale);
    assert_eq!(bare.code, "InvalidChangeBatch");
    assert_eq!(bare.message, format!("{EXISTS}; a <b> &amp; \"c\""));

    let wrapped = refused(
        400,
        format!(
            "<ErrorResponse {XMLNS}><Error><Type>Sender</Type><Code>InvalidChangeBatch</Code>\
             <Message>[{escaped}]</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
        ),
    )
    .await;
    assert_eq!(wrapped.fault, Fault::Stale);
    assert_eq!(wrapped.message, format!("[{EXISTS}]"));
}

#[tokio::test]
async fn changes_of_one_zone_take_turns_whichever_role_makes_them() {
    let zones = Zones::default();
    let [one, other] = [(); 2].map(|()| Replay::beside(&zones, [changed()]));
    let change = [RecordChange::Create(alias("acme.example.com"))];
    let turn = zones.turn("/hostedzone/Z123");
    let taken = turn.lock().await;
    let mut waiting = one.clients.change_records("Z123", &change);
    let mut beside = other.clients.change_records("/hostedzone/Z123", &change);
    assert!(futures::poll!(&mut waiting).is_pending());
    assert!(futures::poll!(&mut beside).is_pending());
    assert!(one.sent().is_empty() && other.sent().is_empty());
    drop(taken);
    waiting.await.unwrap();
    assert!(other.sent().is_empty());
    beside.await.unwrap();
    assert_eq!(other.sent().len(), 1);
}
