package relay

import (
	"net"

	"golang.org/x/sys/unix"
)

// quickAck has the kernel acknowledge what comes next at once. Many servers write the answers to pipelined commands one by one,
// and their kernel holds back the second until the first is acknowledged (RFC 896), which ours would put off for 40 ms.
// The kernel forgets it when we send, so it has to be said after each batch of commands.
func quickAck(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { // where it is not to be had we are only slower
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
		})
	}
}
