//! A server that is wrong on purpose: real HTTP, the contract's routes, and a defect to be found.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tests::http::user_id;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    /// Nothing: what the others are compared with.
    None,
    /// It sells one seat more than there are.
    Oversells,
    /// It says "sold out" with a seat left.
    Undersells,
    /// It forgets a ticket that it sold.
    Loses,
    /// It gives two customers the same ticket.
    SellsTwice,
    /// It hands out prints with the old name after a rename.
    ServesStale,
    /// Its prints show another venue than the concert's.
    KeepsVenue,
    /// Its prints show another day than the concert's.
    KeepsDay,
    /// It never draws the plan again.
    OldPlan,
    /// The plan that it draws once more shows nothing.
    PlanBack,
    /// The plan shows a sale that was not.
    PlanAhead,
    /// It says 200 where it should say 201, once.
    WrongStatus,
    /// It is too busy for every order.
    Busy,
    /// Its ledger is gone after some sales, and it says so.
    Fails,
    /// It sends orders elsewhere.
    Redirects,
    /// It sends everybody elsewhere.
    Moved,
    /// It sells to somebody whom nobody knows.
    Stranger,
    /// It says ACTIVE when it is sold out.
    StaysActive,
    /// Prints take a second.
    PrintsSlowly,
    /// Prints fail.
    FailsPrints,
    /// It says that tickets are printed, and has no prints.
    HidesPrints,
    /// Once it says nothing of a ticket that waits for its print.
    Mumbles,
    /// It does nothing for a second, once, in the middle of the sale.
    Stalls,
}

/// Sales before the ledger is gone.
const FAILS_AT: usize = 10;
/// Where a server has gone.
pub(super) const ELSEWHERE: &str = "https://elsewhere.example/api/v1/";
/// The sale with which a server stalls, and for how long.
const STALLS_AT: usize = 60;
const STALL: Duration = Duration::from_secs(1);
/// How long a print takes on a server that is slow at them.
const SLOW_PRINT: Duration = Duration::from_secs(1);
/// The plan that steps back.
const BACK_AT: usize = 10;

/// A running server. Stopped when dropped.
#[derive(Debug)]
pub(super) struct WrongServer {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

#[derive(Debug)]
struct State {
    defect: Defect,
    /// What stands before every path.
    base: &'static str,
    /// Until when nothing is answered.
    stalled: Instant,
    names: Vec<String>,
    concert: Value,
    capacity: usize,
    /// Ids and users.
    tickets: Vec<(String, String)>,
    sold: usize,
    /// When the first print was ordered.
    prints: Option<Instant>,
    /// Plans that were fetched, and what the first of them showed.
    plans: usize,
    first_plan: usize,
    mumbled: bool,
}

impl WrongServer {
    pub(super) async fn start(defect: Defect) -> Self {
        Self::start_below(defect, "").await
    }

    /// One that is to be found below a path, and nowhere else.
    pub(super) async fn start_below(defect: Defect, base: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let state = Arc::new(Mutex::new(State {
            defect,
            base,
            stalled: Instant::now(),
            names: Vec::new(),
            concert: Value::Null,
            capacity: 0,
            tickets: Vec::new(),
            sold: 0,
            prints: None,
            plans: 0,
            first_plan: 0,
            mumbled: false,
        }));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("it listens");
                let state = Arc::clone(&state);
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&state), request));
                    let io = TokioIo::new(stream);
                    // Clients hang up when they like.
                    let _ = http1::Builder::new().serve_connection(io, service).await;
                });
            }
        });
        Self {
            address,
            _serving: serving,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<String>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = read(body).await;
    let (reply, wait) = {
        let mut state = state.lock().expect("nobody panics");
        let path = head.uri.path_and_query().map_or("", |path| path.as_str());
        let path = path.strip_prefix(state.base).unwrap_or("/none");
        let path = path.strip_prefix("/api/v1").unwrap_or(path);
        (
            state.reply(head.method.as_str(), path, &body),
            state.stalled,
        )
    };
    tokio::time::sleep_until(wait).await;
    let (status, body) = reply;
    let mut response = Response::builder().status(status);
    if status == 308 {
        response = response.header("Location", ELSEWHERE);
    }
    let response = response.body(body);
    Ok(response.expect("a status and a body"))
}

/// A JSON body; the clients here send them in one piece.
async fn read(mut body: Incoming) -> Value {
    use hyper::body::Body as _;
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) =
        std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await
    {
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}

impl State {
    fn reply(&mut self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            _ if self.defect == Defect::Moved => (308, String::new()),
            ("GET", ["users"]) => {
                let user = |number| json!({ "id": user_id(number), "name": "A", "email": "a@b" });
                (200, Value::Array((1..=3).map(user).collect()).to_string())
            }
            ("GET", ["users", _]) => (200, "{}".into()),
            ("POST", ["concerts"]) => self.create(body),
            ("GET", ["concerts"]) => (200, format!("[{}]", self.concert)),
            ("GET", ["concerts", _]) => (200, self.concert.to_string()),
            ("PUT", ["concerts", _]) => {
                self.concert["name"] = body["name"].clone();
                self.names
                    .push(body["name"].as_str().unwrap_or_default().into());
                (200, self.concert.to_string())
            }
            ("GET", ["concerts", _, "seats"]) => (200, self.plan()),
            ("POST", ["tickets"]) if self.defect == Defect::Busy => (503, "{}".into()),
            ("POST", ["tickets"]) if self.defect == Defect::Redirects => (308, String::new()),
            ("POST", ["tickets"]) if self.fails() => {
                let problem = json!({ "title": "Unavailable", "detail": "the ledger is away" });
                (503, problem.to_string())
            }
            ("POST", ["tickets"]) => self.sell(body),
            ("GET", ["tickets", _]) if self.mumbles() => (200, "{}".into()),
            ("GET", ["tickets", id]) => match self.ticket(id) {
                Some(ticket) => (200, ticket.to_string()),
                None => (404, "{}".into()),
            },
            ("GET", [list]) if list.starts_with("tickets?") => (200, self.list(list)),
            ("POST", ["tickets", _, "print"]) => {
                self.prints.get_or_insert_with(Instant::now);
                (202, "{}".into())
            }
            ("GET", ["tickets", _, "print"]) if self.defect == Defect::HidesPrints => {
                (404, "{}".into())
            }
            ("GET", ["tickets", id, "print"]) => (200, self.print(id)),
            _ => (404, "{}".into()),
        }
    }

    fn create(&mut self, body: &Value) -> (u16, String) {
        self.concert = body.clone();
        self.concert["id"] = json!("00000000-0000-7000-8000-000000000001");
        let capacity = body["capacity"].as_u64().unwrap_or(0);
        self.capacity = usize::try_from(capacity).expect("it is small");
        self.names
            .push(body["name"].as_str().unwrap_or_default().into());
        (201, self.concert.to_string())
    }

    fn sell(&mut self, body: &Value) -> (u16, String) {
        let seats = match self.defect {
            Defect::Oversells => self.capacity + 1,
            Defect::Undersells => self.capacity - 1,
            _ => self.capacity,
        };
        if self.sold >= seats {
            if self.defect != Defect::StaysActive {
                self.concert["status"] = json!("SOLD_OUT");
            }
            return (422, "{}".into());
        }
        self.sold += 1;
        if self.defect == Defect::Stalls && self.sold == STALLS_AT {
            self.stalled = Instant::now() + STALL;
        }
        let again = self.defect == Defect::SellsTwice && self.sold == 2;
        if !again {
            let id = format!("00000000-0000-7000-8000-{:012}", 1_000 + self.sold);
            let user = match self.defect {
                Defect::Stranger if self.sold == 1 => "nobody",
                _ => body["user_id"].as_str().unwrap_or_default(),
            };
            let user = user.to_owned();
            self.tickets.push((id, user));
        }
        let (id, _) = self.tickets.last().cloned().expect("one was sold");
        let ticket = self.ticket(&id).expect("it is there");
        if self.defect == Defect::Loses && self.sold == 1 {
            // Its buyer was told that it is there.
            self.tickets.clear();
        }
        let status = if self.defect == Defect::WrongStatus && self.sold == 1 {
            200
        } else {
            201
        };
        (status, ticket.to_string())
    }

    fn ticket(&self, id: &str) -> Option<Value> {
        let (id, user) = self.tickets.iter().find(|(one, _)| one == id)?;
        let printed = match (self.prints, self.defect) {
            (None, _) => "NOT_PRINTED",
            (Some(_), Defect::FailsPrints) => "ERROR",
            (Some(ordered), Defect::PrintsSlowly) if ordered.elapsed() < SLOW_PRINT => "PENDING",
            (Some(_), _) => "PRINTED",
        };
        Some(json!({
            "id": id,
            "concert": { "id": self.concert["id"], "url": "http://x/c" },
            "user": { "id": user, "url": "http://x/u" },
            "print_status": printed,
        }))
    }

    fn fails(&self) -> bool {
        self.defect == Defect::Fails && self.sold >= FAILS_AT
    }

    fn mumbles(&mut self) -> bool {
        let now = self.defect == Defect::Mumbles && self.prints.is_some() && !self.mumbled;
        self.mumbled |= now;
        now
    }

    fn list(&self, query: &str) -> String {
        let wanted = |user: &str| !query.contains("user_id=") || query.contains(user);
        let ids = self.tickets.iter().filter(|(_, user)| wanted(user));
        let tickets: Vec<_> = ids.filter_map(|(id, _)| self.ticket(id)).collect();
        Value::Array(tickets).to_string()
    }

    fn print(&self, id: &str) -> String {
        let name = match self.defect {
            Defect::ServesStale => self.names.first(),
            _ => self.names.last(),
        };
        let name = name.map_or("", String::as_str);
        let name = name.replace('&', "&amp;");
        let text = |key: &str| self.concert[key].as_str().unwrap_or_default().to_owned();
        let (venue, day) = match self.defect {
            Defect::KeepsVenue => ("Elsewhere".to_owned(), text("date")),
            Defect::KeepsDay => (text("venue"), "2000-01-01".to_owned()),
            _ => (text("venue"), text("date")),
        };
        format!(
            "<svg><desc>{id}</desc><text>{name}</text><text>{venue}</text><text>{day}</text></svg>"
        )
    }

    fn plan(&mut self) -> String {
        let sold = self.tickets.len().min(self.capacity);
        self.plans += 1;
        if self.plans == 1 {
            self.first_plan = sold;
        }
        let shown = match self.defect {
            Defect::OldPlan => self.first_plan,
            Defect::PlanBack if self.plans == BACK_AT => 0,
            Defect::PlanAhead => sold + 1,
            _ => sold,
        };
        let id = self.concert["id"].as_str().unwrap_or_default();
        format!("<svg><desc>{id}|{}|{shown}</desc></svg>", self.capacity)
    }
}
