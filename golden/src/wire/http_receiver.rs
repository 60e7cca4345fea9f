//! The HTTP receiver: an axum server that answers every request that is let in with 200 and keeps it.
//!
//! Knows nothing of devices: the tally finds out which of them a request is from.

use std::future::IntoFuture;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use super::admission::{Admits, Door};
use super::tally::Tally;
use crate::delivery::Transport;

/// The largest body taken, in bytes.
const BODY_BYTES_MAX: usize = 64 << 20;

/// A receiver at work.
struct Receiver {
    recipient: usize,
    door: Option<Door>,
    tally: Arc<Tally>,
}

/// Starts a receiver for one recipient on the present runtime and says where it listens.
pub(super) async fn start(recipient: usize, admits: Option<Admits>, tally: Arc<Tally>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let app = Router::new().fallback(capture).with_state(Arc::new(Receiver {
        recipient,
        door: admits.map(Door::new),
        tally,
    }));
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, service).into_future());
    Ok(address)
}

async fn capture(
    State(receiver): State<Arc<Receiver>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let Receiver { recipient, door, tally } = &*receiver;
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    if let Some(door) = door {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let authorization = text(&head.headers, &AUTHORIZATION);
        if let Err(question) = door.judge(head.method.as_str(), path, authorization.as_deref()) {
            tally.refused_request(*recipient, from);
            return (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, question)]).into_response();
        }
    }
    let transport = Transport::Http {
        method: head.method.to_string(),
        path: head.uri.path_and_query().map_or_else(|| head.uri.to_string(), ToString::to_string),
        content_type: text(&head.headers, &CONTENT_TYPE),
        host: text(&head.headers, &HOST),
    };
    tally.captured_request(*recipient, from, transport, body.to_vec());
    StatusCode::OK.into_response()
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
