pub mod app;
pub mod condition;
pub mod platform;
pub mod port_allocation;
use kube::CustomResourceExt;
pub fn print(out: &mut impl std::io::Write) -> std::io::Result<()> {
    for crd in [
        app::App::crd(),
        platform::Platform::crd(),
        port_allocation::PortAllocation::crd(),
    ] {
        writeln!(
            out,
            "---\n{}",
            serde_json::to_string_pretty(&crd).unwrap_or_default()
        )?;
    }
    Ok(())
}
