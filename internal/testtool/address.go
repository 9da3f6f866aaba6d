package testtool

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// FreeAddress gives a host and port of the loopback interface that nothing listens at. The port is below those that systems give to
// outgoing connections (32768 and up on Linux, RFC 6335 §6: 49152): one of these, such as a browser's, would else take it before the
// program under test does, or while that is restarted.
func FreeAddress() (string, error) {
	for try := 0; ; try++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(22000)))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
		if try == 100 {
			return "", err
		}
	}
}
