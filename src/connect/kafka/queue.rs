//! One librdkafka queue that the partitions of a reader are forwarded to, drained by callback: fetched records are
//! borrowed where they lie, with no event object per record. All `unsafe` of this connector is here.

use std::ffi::{CStr, CString, c_char, c_void};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as native;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;

use crate::error::{Error, Result};

use super::client::Context;

/// Whether the queue should hand out more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Go on while there is something.
    More,
    /// Return from [`Queue::serve`] now; what is left stays in the queue.
    Stop,
}

/// A queue of fetched records and of the consumer errors of its partitions.
pub(super) struct Queue {
    queue: NonNull<native::rd_kafka_queue_t>,
    consumer: Arc<BaseConsumer<Context>>,
}

impl Queue {
    /// An empty queue of `consumer`.
    ///
    /// # Errors
    /// Out of memory.
    pub(super) fn new(consumer: Arc<BaseConsumer<Context>>) -> Result<Self> {
        // SAFETY: the client pointer is valid for as long as `consumer`, which we keep.
        let queue = unsafe { native::rd_kafka_queue_new(consumer.client().native_ptr()) };
        match NonNull::new(queue) {
            Some(queue) => Ok(Queue { queue, consumer }),
            None => Err(Error::internal("librdkafka made no queue")),
        }
    }

    /// Sends everything of this partition here instead of to the consumer's own queue. Called before the partition
    /// is assigned, so that no record takes the other way.
    ///
    /// # Errors
    /// A topic name with a zero byte in it.
    pub(super) fn adopt(&self, topic: &str, partition: i32) -> Result<()> {
        let name = CString::new(topic).map_err(|_| Error::sql(format!("\"{topic}\" is no topic name")))?;
        // SAFETY: valid client and queue pointers; the queue handle is given back below, the forwarding stays.
        unsafe {
            let from =
                native::rd_kafka_queue_get_partition(self.consumer.client().native_ptr(), name.as_ptr(), partition);
            if from.is_null() {
                return Err(Error::internal(format!("librdkafka has no queue for {topic} partition {partition}")));
            }
            native::rd_kafka_queue_forward(from, self.queue.as_ptr());
            native::rd_kafka_queue_destroy(from);
        }
        Ok(())
    }

    /// Waits up to `timeout` for something to arrive, then passes all there is to `take`, in order, until it says
    /// [`Flow::Stop`]. Returns how many were passed. `take` must not panic.
    pub(super) fn serve<F: FnMut(Incoming<'_>) -> Flow>(&self, timeout: Duration, take: F) -> usize {
        let mut call = Call { client: self.consumer.client().native_ptr(), take };
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the trampoline is made for exactly this `Call<F>`, which outlives the call.
        let served = unsafe {
            native::rd_kafka_consume_callback_queue(
                self.queue.as_ptr(),
                millis,
                Some(trampoline::<F>),
                ptr::from_mut(&mut call).cast::<c_void>(),
            )
        };
        usize::try_from(served).unwrap_or(0)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: made by `rd_kafka_queue_new`, destroyed once.
        unsafe { native::rd_kafka_queue_destroy(self.queue.as_ptr()) }
    }
}

struct Call<F> {
    client: *mut native::rd_kafka_t,
    take: F,
}

unsafe extern "C" fn trampoline<F: FnMut(Incoming<'_>) -> Flow>(
    message: *mut native::rd_kafka_message_t,
    opaque: *mut c_void,
) {
    // SAFETY: librdkafka passes the message it owns for the time of this call, and the pointer given to `serve`.
    let (call, message) = unsafe { (&mut *opaque.cast::<Call<F>>(), &*message) };
    if (call.take)(Incoming { message, borrow: PhantomData }) == Flow::Stop {
        // SAFETY: a valid client; this only sets a flag of this thread.
        unsafe { native::rd_kafka_yield(call.client) }
    }
}

/// A record or an error, valid inside the call of `take`.
pub(super) struct Incoming<'a> {
    message: &'a native::rd_kafka_message_t,
    borrow: PhantomData<&'a [u8]>,
}

impl<'a> Incoming<'a> {
    /// The partition it came from.
    pub(super) fn partition(&self) -> i32 {
        self.message.partition
    }

    /// The record's offset; for [`RDKafkaErrorCode::PartitionEOF`] the offset where the log ends.
    pub(super) fn offset(&self) -> i64 {
        self.message.offset
    }

    /// Why this is no record, if it is none.
    pub(super) fn error(&self) -> Option<RDKafkaErrorCode> {
        match self.message.err {
            native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => None,
            code => Some(code.into()),
        }
    }

    /// librdkafka's words on an error; its bytes on a record.
    pub(super) fn reason(&self) -> String {
        String::from_utf8_lossy(self.value().unwrap_or_default()).into_owned()
    }

    /// The key.
    pub(super) fn key(&self) -> Option<&'a [u8]> {
        // SAFETY: librdkafka gives pointer and length of bytes that live as long as the message.
        unsafe { bytes(self.message.key, self.message.key_len) }
    }

    /// The value.
    pub(super) fn value(&self) -> Option<&'a [u8]> {
        // SAFETY: as for the key.
        unsafe { bytes(self.message.payload, self.message.len) }
    }

    /// Milliseconds since the epoch, -1 when there is none.
    pub(super) fn timestamp(&self) -> i64 {
        // SAFETY: a valid message; librdkafka allows a null type.
        unsafe { native::rd_kafka_message_timestamp(self.message, ptr::null_mut()) }
    }

    /// Passes each header to `each`, in order.
    pub(super) fn headers(&self, mut each: impl FnMut(&CStr, Option<&[u8]>)) {
        let mut headers = ptr::null_mut();
        // SAFETY: a valid message; the headers stay its own.
        let found = unsafe { native::rd_kafka_message_headers(self.message, &mut headers) };
        if found != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return;
        }
        for index in 0.. {
            let (mut name, mut value, mut size) = (ptr::null::<c_char>(), ptr::null::<c_void>(), 0);
            // SAFETY: valid headers; past the last one this returns an error and writes nothing.
            let got = unsafe { native::rd_kafka_header_get_all(headers, index, &mut name, &mut value, &mut size) };
            if got != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR || name.is_null() {
                return;
            }
            // SAFETY: a zero-terminated name and `size` bytes, both owned by the message.
            unsafe { each(CStr::from_ptr(name), bytes(value, size)) }
        }
    }
}

/// # Safety
/// `start` is null or points at `len` bytes that live for `'a`.
unsafe fn bytes<'a>(start: *const c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start.cast::<u8>(), len) })
}
