//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"
)

// server is Postfix's smtp-sink, which takes every mail and keeps none.
type server struct {
	address string
	pid     int
}

// start starts the server and waits until it answers; stop ends it.
func (s *server) start(ctx context.Context) (stop func(), err error) {
	args := []string{s.address, "1000"}
	if os.Getuid() == 0 { // it insists on being told whom to run as
		args = append([]string{"-u", "nobody"}, args...)
	}
	sink := exec.Command("smtp-sink", args...)
	sink.Stderr = os.Stderr
	if err := sink.Start(); err != nil {
		return nil, err
	}
	s.pid = sink.Process.Pid
	stop = func() {
		_ = sink.Process.Kill() // it ends in no other way
		_ = sink.Wait()
	}
	for range 100 {
		if conn, err := net.Dial("tcp", s.address); err == nil {
			return stop, conn.Close()
		}
		select {
		case <-ctx.Done():
			stop()
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	stop()
	return nil, errors.New("smtp-sink does not answer")
}

// spent is the processor time that the server has used: the first number of its schedstat, in nanoseconds (the kernel's
// Documentation/scheduler/sched-stats.rst).
func (s *server) spent() (d time.Duration, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", s.pid))
	if err != nil {
		return 0, err
	}
	_, err = fmt.Sscan(string(text), (*int64)(&d))
	return d, err
}

// freeAddress gives an address that nothing listens at.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
