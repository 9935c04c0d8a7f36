//! Handles what a program prints and logs: reads its files, keeps rows in journals, and sends them
//! to the controller.

pub mod console;
pub mod doubts;
pub mod journal;
pub mod shipper;
pub mod tail;
