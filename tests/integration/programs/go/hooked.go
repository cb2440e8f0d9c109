package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"tickets/groundhog"
)

var order []string

func note(name string) func() error {
	return func() error {
		order = append(order, name)
		return nil
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func main() {
	flag := ""
	if len(os.Args) > 1 {
		flag = os.Args[1]
	}
	if len(os.Args) > 2 {
		groundhog.BeforeSnapshot(func() error { return errors.New(os.Args[2]) })
	}
	groundhog.BeforeSnapshot(note("before-1"))
	groundhog.BeforeSnapshot(note("before-2"))
	if exists(flag + ".log") { // no hook where nobody reads what it has seen
		groundhog.BeforeRestore(func() error {
			log, err := os.OpenFile(flag+".log", os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer log.Close()
			_, err = fmt.Fprintln(log, strings.Join(order, " "))
			return err
		})
		groundhog.BeforeRestore(func() error {
			if exists(flag + ".fails") {
				return errors.New("nobody listens")
			}
			return nil
		})
		groundhog.BeforeRestore(note("finish"))
	}
	groundhog.AfterRestore(note("after-1"))
	groundhog.AfterRestore(func() error {
		if exists(flag) {
			return errors.New("a hook has failed")
		}
		return note("after-2")()
	})
	groundhog.Serve(func(request []byte) (any, error) {
		if strings.Contains(string(request), "fail") {
			return nil, errors.New("said \"no\"\n")
		}
		if strings.Contains(string(request), "panic") {
			panic("out of order")
		}
		fmt.Print("out of ", len(request))
		fmt.Fprint(os.Stderr, "err")
		return map[string]any{"order": strings.Join(order, " "), "pid": os.Getpid()}, nil
	})
}
