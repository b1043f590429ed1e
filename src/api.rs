pub mod app;
pub mod condition;
pub mod platform;
pub mod port_allocation;
