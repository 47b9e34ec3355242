// What a process needs to be a client over TLS: whom it trusts, and the loop.
//
// Promises: certificates are always verified; HTTP/1.1 is the only protocol that is offered.
// Nothing is read before the first connection.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"
#include "workers/common/endpoint.h"

// One per process; outlives the clients and sockets made with it.
class ClientContext {
  public:
    struct Options {
        // PEM file with certificate authorities to trust beside the system's; empty: none.
        std::string certificate_file;
        // The system's authorities, as a directory of hashed names: only the one that is needed is
        // read. (The bundle in one file costs 0.9 MiB and 20 ms.)
        std::string certificate_directory = "/etc/ssl/certs";
    };

    ClientContext(Loop& loop, Options options) : loop_(loop), options_(std::move(options)) {}
    ClientContext(const ClientContext&) = delete;
    ClientContext& operator=(const ClientContext&) = delete;

    // bad_config when the certificate file cannot be read.
    Done check();
    Loop& loop() { return loop_; }
    // Null when check() fails.
    SSL_CTX* tls();

  private:
    Loop& loop_;
    Options options_;
    Error failure_;
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls_{nullptr, SSL_CTX_free};
};
