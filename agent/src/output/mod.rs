//! Handles the output of a trial's program: reads its console files, keeps rows in journals, and
//! sends them to the controller.

pub mod console;
pub mod doubts;
pub mod journal;
pub mod shipper;
pub mod tail;
