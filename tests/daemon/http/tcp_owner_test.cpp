#include "daemon/http/tcp_owner.hpp"

#include "base/unique_fd.hpp"
#include "daemon/http/listen_sockets.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

namespace hearth::daemon::http {
namespace {

const Endpoint page = parse_endpoint("127.0.0.1:40000");
const Endpoint browser = parse_endpoint("127.0.0.1:50000");

const char* const table =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:9C40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 651 1\n"
    "   1: 0100007F:9C40 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 652 1\n"
    "   2: 0100007F:C350 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1001        0 653 1\n"
    "   3: 0100007F:C351 0100007F:9C40 06 00000000:00000000 03:00000796 00000000     0        0 0 3\n";

TEST(TcpOwner, IsWhoseEndTheClientHolds) {
    EXPECT_EQ(find_tcp_owner(table, browser, page), 1001u);
    EXPECT_EQ(find_tcp_owner(table, page, browser), 1000u);
}

TEST(TcpOwner, IsUnknownForWhatIsNotEstablished) {
    EXPECT_EQ(find_tcp_owner(table, parse_endpoint("127.0.0.1:50001"), page), std::nullopt) << "it has ended";
    EXPECT_EQ(find_tcp_owner(table, parse_endpoint("127.0.0.1:50002"), page), std::nullopt);
    EXPECT_EQ(find_tcp_owner("", browser, page), std::nullopt);
    EXPECT_EQ(find_tcp_owner(table, parse_endpoint("[::1]:50000"), page), std::nullopt);
    EXPECT_EQ(find_tcp_owner("0: 0100007F:C350 0100007F:9C40 01 cut", browser, page), std::nullopt);
}

TEST(TcpOwner, IsOursForAConnectionOfOurs) {
    const ListenSocket listener = bind_tcp(parse_endpoint("127.0.0.1:0"));
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(
        ::connect(client.get(), listener.endpoint->data(), static_cast<socklen_t>(listener.endpoint->size())),
        0);
    EXPECT_EQ(tcp_owner(bound_endpoint(client.get()), *listener.endpoint), ::geteuid());
}

} // namespace
} // namespace hearth::daemon::http
