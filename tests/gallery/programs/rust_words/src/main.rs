//! A function in Rust: threads of rayon, a map and an expression of the load time.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;

use rayon::prelude::*;
use regex::Regex;
use serde_json::{Value, json};

fn main() -> ExitCode {
    let words = Regex::new(r"\b\w+\b").expect("it is an expression");
    let mut counted = BTreeMap::<String, u64>::new();
    let mut server = groundhog::Server::new();
    server.serve(move |request| -> Result<Value, Box<dyn Error>> {
        let request: Value = serde_json::from_str(request)?;
        let n = request["value"]["n"].as_u64().ok_or("n is no number")?;
        let squares: u64 = (0..n * 1000).into_par_iter().map(|number| number * number).sum();
        for word in words.find_iter(&"one order, two orders, ".repeat(usize::try_from(n)?)) {
            *counted.entry(word.as_str().to_owned()).or_default() += 1;
        }
        Ok(json!({"squares": squares % 1000, "counted": counted}))
    })
}
