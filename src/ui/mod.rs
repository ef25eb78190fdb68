//! What people see. `report/` turns findings, plans and runs into text, JSON and Markdown. A screen is a value
//! without colours or rectangles (`screen.rs`); `tui/` and `plain/` render it.

pub mod report;
