//! Records the rows that W&B's client sends. The client talks to a port of the benchmark, which
//! passes every byte on to the controller.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use terminal::{Exit, Failure};
use tests::Lab;

/// What the client has sent for one run.
pub(crate) struct Recording {
    /// The bodies of its requests with rows, in order.
    pub(crate) bodies: Vec<Vec<u8>>,
    /// The processor time that the client has used from the first to the last row.
    pub(crate) cpu: Duration,
}

/// The bytes of each connection of the client.
type Sent = Arc<Mutex<Vec<Arc<Mutex<Vec<u8>>>>>>;

/// Runs a script that logs, and records its requests.
pub(crate) fn record(lab: &Lab, rows: u32, scalars: u32) -> Result<Recording, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let own = listener.local_addr().expect("it has an address");
    let (sent, controller) = (Sent::default(), lab.port());
    let connections = Arc::clone(&sent);
    // The thread ends with the benchmark.
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let bytes = Arc::default();
            lock(&connections).push(Arc::clone(&bytes));
            pass(client, controller, bytes);
        }
    });
    let script = lab.dir().join("log.py");
    fs::write(&script, include_str!("log.py")).expect("the lab's folder takes a file");
    let mut command = Command::new("python3");
    command.arg(script).args([rows.to_string(), scalars.to_string()]);
    let cpu = crate::run_python(lab, &mut command, &format!("http://{own}"))?;
    let sent = lock(&sent);
    let bodies = sent.iter().flat_map(|bytes| with_rows(&lock(bytes))).collect::<Vec<_>>();
    if bodies.is_empty() {
        return Err(Failure::new(Exit::Refused, "the client has sent no rows"));
    }
    Ok(Recording { bodies, cpu: Duration::from_secs_f64(cpu) })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes the bytes of a connection on in both directions, and keeps those of the client.
fn pass(client: TcpStream, controller: u16, bytes: Arc<Mutex<Vec<u8>>>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", controller)) else { return };
    let both = client.try_clone().and_then(|client| Ok((client, server.try_clone()?)));
    let Ok((back, forth)) = both else { return };
    thread::spawn(move || copy(client, forth, |some| lock(&bytes).extend_from_slice(some)));
    thread::spawn(move || copy(server, back, |_| ()));
}

fn copy(mut from: TcpStream, mut to: TcpStream, keep: impl Fn(&[u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        keep(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Returns the bodies of the requests with rows of history among the bytes of a connection.
fn with_rows(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    while let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        let body = &bytes[end + 4..bytes.len().min(end + 4 + length)];
        if head.contains("/file_stream") && has_history(body) {
            bodies.push(body.to_vec());
        }
        bytes = &bytes[bytes.len().min(end + 4 + length)..];
    }
    bodies
}

fn has_history(body: &[u8]) -> bool {
    let word = b"wandb-history.jsonl";
    body.windows(word.len()).any(|some| some == word)
}
