// Which addresses a page on the internet can have: no loopback, no private, link-local, shared or
// reserved network, none of a hosting platform's own (Fly's 6PN is a unique local one). Pure.
#pragma once

struct sockaddr;

namespace tools {

bool is_public_address(const sockaddr& address);

}  // namespace tools
