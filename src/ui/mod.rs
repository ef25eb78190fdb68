//! What people see. `report/` turns findings, plans and runs into text, JSON and Markdown. A screen is a value
//! without colours or rectangles (`screen.rs`); `tui/` and `plain/` render it. `wizard.rs` and `steps/` are pure;
//! `driver.rs` alone touches the world.

pub mod diagram;
pub mod draft;
pub mod driver;
pub mod farewell;
pub mod model;
pub mod pages;
pub mod plain;
pub mod probing;
pub mod report;
pub mod screen;
pub mod steps;
pub mod tui;
pub mod watch;
pub mod wizard;
