//! What becomes of a Procfile, and what is said of one that cannot be carried over.

use super::{Identity, to_yaml, translate};

fn identity() -> Identity {
    Identity {
        name: "acme".into(),
        image: "registry.example.com/acme:v42".into(),
        platform: None,
    }
}

#[test]
fn a_standard_procfile_becomes_an_app() {
    let app = translate(b"web: ./bin/web\nworker: ./bin/worker -n 2\n", &identity()).unwrap();
    assert_eq!(
        to_yaml(&app).unwrap(),
        "\
apiVersion: empire.dev/v1alpha1
kind: App
metadata:
  name: acme
spec:
  image: registry.example.com/acme:v42
  processes:
    web:
      command: ./bin/web
    worker:
      command: ./bin/worker -n 2
"
    );
}
