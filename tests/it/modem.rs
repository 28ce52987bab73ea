//! The driver of the modem against every kind of modem and everything that goes wrong with one.

mod books;
mod cell;
mod matrix;
mod rings;
mod row;
mod rows;
mod scene;
