#include "services/console/core/guard.h"

#include <gtest/gtest.h>

namespace evenkeel::console {
namespace {

const std::string kToken(64, 'a');

Request own(const std::string& method = "POST") {
  return {.method = method,
          .path = "/",
          .query = {},
          .host = "127.0.0.1:7430",
          .origin = "http://127.0.0.1:7430",
          .fetch_site = "same-origin",
          .content_type = "application/json",
          .token = kToken,
          .body = "",
          .from = ""};
}

std::string code(const Request& request) {
  const Guard guard(hosts_of("127.0.0.1", 7430, {"console.example"}), kToken);
  const auto refusal = guard.refusal(request);
  return refusal ? refusal->code : "";
}

TEST(Guard, LetsItsOwnPageIn) {
  EXPECT_EQ(code(own()), "");
  EXPECT_EQ(code(own("GET")), "");
  Request proxied = own();
  proxied.host = "Console.Example";
  proxied.origin = "https://console.example";
  EXPECT_EQ(code(proxied), "");
  Request old = own();  // a browser that does not say where it comes from
  old.fetch_site = "";
  EXPECT_EQ(code(old), "");
}

TEST(Guard, ReadersNeedNoTokenButOurName) {
  Request reader{.method = "GET", .host = "localhost:7430"};
  EXPECT_EQ(code(reader), "");
  reader.host = "rebound.example:7430";
  EXPECT_EQ(code(reader), "host");
  reader.host = "";
  EXPECT_EQ(code(reader), "host");
}

TEST(Guard, TheOriginIsTheHostThatWasAsked) {
  for (const char* origin : {"", "null", "http://127.0.0.1", "http://localhost:7430",
                             "http://127.0.0.1:7430.example", "ftp://127.0.0.1:7430"}) {
    Request request = own();
    request.origin = origin;
    EXPECT_EQ(code(request), "origin") << origin;
  }
}

TEST(Guard, TokensAreWhole) {
  for (const std::string& token :
       {std::string(), kToken.substr(1), kToken + "a", std::string(64, 'b')}) {
    Request request = own();
    request.token = token;
    EXPECT_EQ(code(request), "token") << token;
  }
}

TEST(Guard, FormsAreRefused) {
  Request request = own();
  request.content_type = "text/plain";
  EXPECT_EQ(code(request), "type");
  request.content_type = "Application/JSON; charset=utf-8";
  EXPECT_EQ(code(request), "");
  EXPECT_EQ(code(own("PUT")), "method");
}

TEST(Guard, NamesFollowFromWhereItListens) {
  const auto has = [](const std::vector<std::string>& hosts, const std::string& host) {
    return std::find(hosts.begin(), hosts.end(), host) != hosts.end();
  };
  const auto loopback = hosts_of("127.0.0.1", 7430, {});
  EXPECT_TRUE(has(loopback, "localhost:7430"));
  EXPECT_FALSE(has(loopback, "localhost"));
  EXPECT_TRUE(has(hosts_of("::1", 80, {}), "[::1]"));
  const auto anywhere = hosts_of("0.0.0.0", 7430, {"name:1"});
  EXPECT_FALSE(has(anywhere, "0.0.0.0:7430"));
  EXPECT_TRUE(has(anywhere, "name:1"));
  EXPECT_EQ(hosts_of("10.0.0.7", 7430, {}), std::vector<std::string>{"10.0.0.7:7430"});
  EXPECT_TRUE(is_loopback("127.1.2.3"));
  EXPECT_FALSE(is_loopback("10.127.0.1"));
}

}  // namespace
}  // namespace evenkeel::console
