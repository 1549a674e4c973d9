// SPDX-License-Identifier: LGPL-2.1-or-later

// go-client SOCKET BYTES: asks for a balloon of BYTES as a program written for QEMU does, with go-qemu's SocketMonitor,
// and prints what it sees.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/digitalocean/go-qemu/qmp"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "go-client:", err)
		os.Exit(1)
	}
}

func run(monitor qmp.Monitor, command string, arguments interface{}) []byte {
	request, err := json.Marshal(qmp.Command{Execute: command, Args: arguments})
	fail(err)
	reply, err := monitor.Run(request)
	fail(err)
	return reply
}

func actual(monitor qmp.Monitor) int64 {
	var reply struct {
		Return struct{ Actual int64 }
	}
	fail(json.Unmarshal(run(monitor, "query-balloon", nil), &reply))
	return reply.Return.Actual
}

func main() {
	target, err := strconv.ParseInt(os.Args[2], 10, 64)
	fail(err)
	monitor, err := qmp.NewSocketMonitor("unix", os.Args[1], 10*time.Second)
	fail(err)
	fail(monitor.Connect())
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	events, err := monitor.Events(ctx)
	fail(err)

	fmt.Println("version", monitor.Version.String() != "")
	fmt.Println("before", actual(monitor))
	run(monitor, "balloon", map[string]int64{"value": target})
	for reached := false; !reached; {
		select {
		case event, open := <-events:
			if !open {
				fail(fmt.Errorf("the events ended"))
			}
			if value, ok := event.Data["actual"].(float64); ok && event.Event == "BALLOON_CHANGE" {
				reached = int64(value) == target
			}
		case <-ctx.Done():
			fail(ctx.Err())
		}
	}
	fmt.Println("event", target)
	fmt.Println("after", actual(monitor))
	_, err = monitor.Run([]byte(`{"execute":"balloon","arguments":{"value":0}}`))
	fmt.Println("refused", err)
	fail(monitor.Disconnect())
}
