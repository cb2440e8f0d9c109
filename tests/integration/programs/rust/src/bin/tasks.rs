//! Tasks of tokio that wait with data in their futures, others in each request, timers, connections and blocking threads, in
//! a runtime on the first thread alone or on several. Answers how many bytes of all that are not as they were written.
#![forbid(unsafe_code)]

use std::io::Write;
use std::os::fd::AsFd;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, unix::pipe};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

const WAITING: usize = 500;
const WORKING: usize = 50;
const FRAME: usize = 16 << 10;

fn pattern(at: usize, seed: usize) -> u8 {
    (at * 31 + seed * 17 + 1) as u8
}

fn filled<const SIZE: usize>(seed: usize) -> [u8; SIZE] {
    std::array::from_fn(|at| pattern(at, seed))
}

fn changed(bytes: &[u8], seed: usize) -> usize {
    bytes.iter().enumerate().filter(|(at, byte)| **byte != pattern(*at, seed)).count()
}

/// Keeps data in its future, and looks at it when it is asked.
async fn hold(seed: usize, mut asked: mpsc::Receiver<oneshot::Sender<usize>>) {
    let held: [u8; 1024] = filled(seed);
    while let Some(answer) = asked.recv().await {
        answer.send(changed(&held, seed)).expect("somebody waits for it");
    }
}

/// Has a large future, and a large frame.
async fn work(seed: usize) -> usize {
    let held: [u8; FRAME] = filled(seed);
    tokio::task::yield_now().await;
    tokio::time::sleep(Duration::from_micros(100)).await;
    changed(&held, seed)
}

/// What arrives of data over a connection of the request's.
async fn exchange() -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it has one");
    let sending = tokio::spawn(async move {
        let mut near = TcpStream::connect(address).await.expect("it listens");
        near.write_all(&filled::<FRAME>(3)).await.expect("the other end reads");
    });
    let (mut far, _) = listener.accept().await.expect("somebody connects");
    let mut all = Vec::new();
    far.read_to_end(&mut all).await.expect("the other end writes");
    sending.await.expect("it does not panic");
    changed(&all, 3) + FRAME.abs_diff(all.len())
}

async fn serve() {
    let mut answers = std::fs::File::options().write(true).open("/proc/self/fd/3").expect("a pipe of ours");
    let input = std::io::stdin().as_fd().try_clone_to_owned().expect("it can be duplicated");
    let mut lines =
        BufReader::new(pipe::Receiver::from_owned_fd(input).expect("requests come by a pipe")).lines();
    let mut waiting = Vec::new();
    for seed in 0..WAITING {
        let (ask, asked) = mpsc::channel(1);
        tokio::spawn(hold(seed, asked));
        waiting.push(ask);
    }
    let mut requests = 0;
    if std::env::var_os("OW_WAIT_FOR_ACK").is_some() {
        writeln!(answers, r#"{{"ok":true}}"#).expect("it is read");
    }
    while let Some(_request) = lines.next_line().await.expect("a line") {
        requests += 1;
        let mut all = exchange().await;
        let working: Vec<_> = (0..WORKING).map(|seed| tokio::spawn(work(seed))).collect();
        let blocking = tokio::task::spawn_blocking(|| changed(&filled::<FRAME>(5), 5));
        for task in working {
            all += task.await.expect("it does not panic");
        }
        all += blocking.await.expect("it does not panic");
        for ask in &waiting {
            let (answer, answered) = oneshot::channel();
            ask.send(answer).await.expect("it waits");
            all += answered.await.expect("it answers");
        }
        let pid = std::process::id();
        writeln!(answers, r#"{{"changed":{all},"requests":{requests},"pid":{pid}}}"#).expect("it is read");
    }
}

fn main() {
    let mut builder = match std::env::args().nth(1).as_deref() {
        Some("current-thread") => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    // A thread that ended for want of work could not be put back.
    builder.thread_keep_alive(Duration::from_secs(3600));
    let runtime = builder.worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(serve());
}
