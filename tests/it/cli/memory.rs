//! What memory a server asks its system for.

use tests::Server;

#[test]
fn a_server_takes_no_huge_pages() {
    let folder = super::folder();
    let server = Server::start(folder.path());
    assert_eq!(server.status("THP_enabled"), "0");
    server.kill();
}
