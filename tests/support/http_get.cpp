#include "tests/support/http_get.h"

#include <cstdlib>

#include "tests/support/tcp_socket.h"

HttpAnswer http_get(uint16_t port, const std::string& path, const std::string& headers,
                    const std::string& method, std::chrono::milliseconds limit) {
    const Deadline deadline(limit);
    HttpAnswer answer;
    TcpSocket socket = TcpSocket::connect(port, deadline);
    if (!socket.is_open()) return answer;
    socket.send(method + " " + path + " HTTP/1.1\r\nHost: localhost:" + std::to_string(port) +
                "\r\nConnection: close\r\n" + headers + "\r\n");
    std::string bytes;
    while (auto part = socket.receive(deadline)) {
        if (part->empty()) break;
        bytes += *part;
    }
    const size_t end = bytes.find("\r\n\r\n");
    if (bytes.compare(0, 5, "HTTP/") != 0 || end == std::string::npos) return answer;
    answer.status = std::atoi(bytes.c_str() + bytes.find(' ') + 1);
    answer.headers = bytes.substr(0, end);
    answer.body = bytes.substr(end + 4);
    return answer;
}
