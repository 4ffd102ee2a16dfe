//! Bringing bytes from one address into a file, continuing where a broken connection left off.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use ureq::http::Response;
use ureq::{Agent, Body};

use super::download::Part;
use super::error::DataError;
use crate::files::path_of;

/// Attempts in a row that may bring nothing before a mirror is given up.
const FRUITLESS: u32 = 3;

/// Why an address did not deliver.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It has no such file.
    Missing(String),
    /// The connection failed or ended early; trying again may help.
    Broken(String),
    /// It will not help to try again.
    Refused(String),
    /// This machine is at fault, not the mirror.
    Local(DataError),
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self::Local(error)
    }
}

/// The progress: bytes in the file, bytes in all.
type Report<'a> = dyn FnMut(u64, Option<u64>) + 'a;

/// The client for HTTP and local files.
#[derive(Debug)]
pub(crate) struct Transfer {
    agent: Agent,
    pause: Duration,
}

impl Transfer {
    /// A client that rests for `pause` after a broken connection.
    pub(crate) fn new(pause: Duration) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_resolve(Some(Duration::from_secs(20)))
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .user_agent(concat!("brigand/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self { agent, pause }
    }

    /// Completes `part` from `address`, which is not allowed to give more than `limit` bytes.
    pub(crate) fn fetch(
        &self,
        address: &str,
        part: &mut Part,
        limit: u64,
        report: &mut Report<'_>,
    ) -> Result<(), Failure> {
        match address.strip_prefix("file://") {
            Some(path) => return copy(Path::new(path), part, limit, report),
            None if !address.contains("://") => return copy(&path_of(address), part, limit, report),
            None => {}
        }
        let mut fruitless = 0;
        let mut furthest = part.length()?;
        loop {
            let broken = match self.attempt(address, part, part.length()?, limit, report) {
                Err(Failure::Broken(reason)) => reason,
                other => return other,
            };
            let length = part.length()?;
            fruitless = if length > furthest { 0 } else { fruitless + 1 };
            furthest = furthest.max(length);
            if fruitless == FRUITLESS {
                return Err(Failure::Broken(broken));
            }
            thread::sleep(self.pause);
        }
    }

    /// One request for the bytes from `have` on.
    fn attempt(
        &self,
        address: &str,
        part: &mut Part,
        have: u64,
        limit: u64,
        report: &mut Report<'_>,
    ) -> Result<(), Failure> {
        let mut request = self.agent.get(address);
        if have > 0 {
            request = request.header("Range", format!("bytes={have}-"));
        }
        let mut response = request.call().map_err(request_failure)?;
        let Some((start, total)) = placed(&response, part, have)? else { return Ok(()) };
        let done = pour(&mut response.body_mut().as_reader(), part, start, total, limit, report)?;
        match total {
            Some(total) if done < total => {
                Err(Failure::Broken(format!("the connection ended after {done} of {total} bytes")))
            }
            _ => Ok(()),
        }
    }
}

/// Where the body of the answer to a request from byte `have` on belongs, and the size of the whole; nothing
/// when the file is complete already. What cannot be continued is emptied.
fn placed(
    response: &Response<Body>,
    part: &mut Part,
    have: u64,
) -> Result<Option<(u64, Option<u64>)>, Failure> {
    match (response.status().as_u16(), content_range(response)) {
        // A server without range requests sends everything again.
        (200, _) => {
            part.restart()?;
            Ok(Some((0, response.body().content_length())))
        }
        (206, Some((Some(start), total))) if start == have => Ok(Some((have, total))),
        (416, Some((_, Some(total)))) if have > 0 && total == have => Ok(None),
        (206 | 416, _) => {
            part.restart()?;
            Err(Failure::Broken("the server cannot continue the download".to_owned()))
        }
        (status @ (404 | 410), _) => Err(Failure::Missing(answered(status))),
        (status @ (408 | 429 | 500..), _) => Err(Failure::Broken(answered(status))),
        (status, _) => Err(Failure::Refused(answered(status))),
    }
}

fn answered(status: u16) -> String {
    format!("the server answered {status}")
}

fn request_failure(error: ureq::Error) -> Failure {
    match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::TooManyRedirects => {
            Failure::Refused(error.to_string())
        }
        _ => Failure::Broken(error.to_string()),
    }
}

/// First byte and total of a `Content-Range` header: `bytes 5-9/10`, `bytes 5-9/*` or `bytes */10`.
fn content_range(response: &Response<Body>) -> Option<(Option<u64>, Option<u64>)> {
    let (range, total) =
        response.headers().get("content-range")?.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-').and_then(|(start, _)| start.parse().ok());
    Some((start, total.parse().ok()))
}

/// The whole of a local file into `part`.
fn copy(source: &Path, part: &mut Part, limit: u64, report: &mut Report<'_>) -> Result<(), Failure> {
    let mut file = match File::open(source) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::Missing("no such file".to_owned()));
        }
        Err(error) => return Err(Failure::Refused(error.to_string())),
    };
    let total = file.metadata().ok().map(|meta| meta.len());
    part.restart()?;
    pour(&mut file, part, 0, total, limit, report).map(|_| ())
}

/// Appends what `reader` gives to `part`, which holds `done` bytes; the bytes it holds then.
fn pour(
    reader: &mut dyn Read,
    part: &mut Part,
    mut done: u64,
    total: Option<u64>,
    limit: u64,
    report: &mut Report<'_>,
) -> Result<u64, Failure> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        report(done, total);
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok(done),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::Broken(error.to_string())),
        };
        done += count as u64;
        if done > limit {
            part.restart()?;
            return Err(Failure::Refused(format!("it sends more than {limit} bytes")));
        }
        part.file
            .write_all(buffer.get(..count).unwrap_or_default())
            .map_err(|source| DataError::io("write", &part.path, source))?;
    }
}
