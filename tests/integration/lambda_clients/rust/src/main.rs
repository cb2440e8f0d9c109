//! A function by AWS's client for Rust that remembers its callers.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use std::sync::Mutex;

static SEEN: Mutex<Vec<Value>> = Mutex::new(Vec::new());

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let mut seen = SEEN.lock().expect("nobody panics with it");
    seen.push(event.payload["name"].clone());
    match event.payload["raise"].as_str() {
        Some(why) => Err(why.into()),
        None => Ok(json!({ "seen": *seen })),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(handle)).await
}
