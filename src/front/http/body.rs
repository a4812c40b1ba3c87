//! The body of an answer: chunks as the query hands them over, then trailers. Knows bytes and header fields only.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use http_body::Frame;
use tokio::sync::mpsc;

/// What the running query hands to the connection.
#[derive(Debug)]
pub enum Chunk {
    /// Bytes that others follow.
    More(Bytes),
    /// The last bytes and the trailers. A channel that closes without this was broken off.
    Last(Bytes, HeaderMap),
}

/// The chunks as a body, which fails when the last one is missing: then the client sees that the answer is not whole.
pub fn body(receiver: mpsc::Receiver<Chunk>) -> Body {
    Body::new(Chunks { receiver: Some(receiver), trailers: None })
}

struct Chunks {
    /// Gone once the last chunk came.
    receiver: Option<mpsc::Receiver<Chunk>>,
    trailers: Option<HeaderMap>,
}

impl HttpBody for Chunks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        while let Some(receiver) = &mut self.receiver {
            let bytes = match ready!(receiver.poll_recv(cx)) {
                Some(Chunk::More(bytes)) => bytes,
                Some(Chunk::Last(bytes, trailers)) => {
                    self.receiver = None;
                    self.trailers = Some(trailers).filter(|t| !t.is_empty());
                    bytes
                }
                None => {
                    self.receiver = None;
                    return Poll::Ready(Some(Err(io::Error::other("the answer was broken off"))));
                }
            };
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }
}
