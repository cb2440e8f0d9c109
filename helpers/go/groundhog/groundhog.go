// Package groundhog serves a function over ActionLoop, with random numbers that no other request got.
//
//	func main() {
//		groundhog.Serve(func(request []byte) (any, error) {
//			return map[string]any{"number": groundhog.Rand.Uint64()}, nil
//		})
//	}
//
// After each request Groundhog reverts the process to its snapshot, and with it the state of every generator of random
// numbers. With each request it sends new ones, from which Rand is seeded before the function is called, and with
// OnSeed every other one that takes seeds. The functions of the package math/rand are seeded, too, if the program has
// the line "//go:debug randseednop=0"; those of math/rand/v2 cannot be: use Rand. What asks the kernel, as crypto/rand
// does, needs nothing.
//
// Go 1.22 or newer, Linux; nothing but the standard library. Copy the file into a folder of your module.
package groundhog

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	oldrand "math/rand"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
)

// Handler answers one request: a line of JSON, an object whose member "value" holds the parameters. What it returns is
// encoded as JSON, and has to be an object or an array; an error's text becomes the caller's answer, and so does a
// panic's.
type Handler func(request []byte) (any, error)

// Rand is a generator that is seeded before each request. As any *rand.Rand it is for one goroutine at a time.
var Rand = rand.New(source)

var (
	source                                      = rand.NewChaCha8([32]byte{})
	beforeSnapshot, beforeRestore, afterRestore []func() error
	seeders                                     []func(seed []byte)
)

// BeforeSnapshot has something done before the snapshot, of several hooks the last one first: closing connections, say.
// If it fails, the function does not start.
func BeforeSnapshot(hook func() error) { beforeSnapshot = append(beforeSnapshot, hook) }

// BeforeRestore has something done after each response, before what the request left is reverted, of several hooks the
// last one first: sending what waits in a queue, say. If it fails, the log says so, and the process is reverted as ever.
func BeforeRestore(hook func() error) { beforeRestore = append(beforeRestore, hook) }

// AfterRestore has something done once after each restore, before the next request, of several hooks the first one
// first. If it fails, the process ends: its state is not what it should be.
func AfterRestore(hook func() error) { afterRestore = append(afterRestore, hook) }

// OnSeed has a generator seeded before each request, and before the hooks. The seed, 32 bytes, is secret, and the same
// for all of one request: a generator whose numbers others see must not show it.
func OnSeed(seed func(seed []byte)) { seeders = append(seeders, seed) }

const (
	answerDescriptor = 3
	seedAt, tokenAt  = 1, 81 // "@" stands before them
	requestAt        = tokenAt + 32
)

var (
	control = []byte(`{"groundhog":`)
	prepare = []byte(`{"groundhog":"prepare"`)
	finish  = []byte(`{"groundhog":"finish"`)
)

type server struct {
	handler Handler
	answers *os.File
	due     bool // the hooks after a restore
}

// Serve answers requests until there are no more. Call it once everything is loaded.
func Serve(handler Handler) {
	if err := serve(handler); err != nil {
		fmt.Fprintln(os.Stderr, "groundhog:", err)
		os.Exit(1)
	}
}

func serve(handler Handler) error {
	requests, err := privateInput()
	if err != nil {
		return fmt.Errorf("no requests on descriptor 0: %w", err)
	}
	syscall.CloseOnExec(answerDescriptor)
	s := &server{handler: handler, answers: os.NewFile(answerDescriptor, "answers")}
	if _, wanted := os.LookupEnv("OW_WAIT_FOR_ACK"); wanted {
		os.Unsetenv("OW_WAIT_FOR_ACK")
		if err := s.write(`{"ok":true,"groundhog":1}`); err != nil {
			return err
		}
	}
	for lines := bufio.NewReader(requests); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil
		}
		answer, err := s.take(line)
		if err != nil {
			return err
		}
		if err := s.write(answer); err != nil {
			return err
		}
	}
}

// The request pipe is moved off stdin, where the function and its children would read from it.
func privateInput() (*os.File, error) {
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer nothing.Close()
	input, err := syscall.Dup(syscall.Stdin)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(input)
	return os.NewFile(uintptr(input), "requests"), syscall.Dup3(int(nothing.Fd()), syscall.Stdin, 0)
}

func (s *server) write(line string) error {
	_, err := s.answers.WriteString(line + "\n")
	return err
}

func (s *server) take(line []byte) (string, error) {
	token := ""
	if line[0] == '@' {
		if len(line) < requestAt {
			return "", errors.New("what stands before a request is too short")
		}
		token = string(line[tokenAt:requestAt])
		if err := reseed(line[seedAt:tokenAt]); err != nil {
			return "", err
		}
		if err := s.resume(); err != nil {
			return "", err
		}
		line = line[requestAt:]
	}
	switch {
	case bytes.HasPrefix(line, prepare):
		return s.prepare() + token, nil
	case bytes.HasPrefix(line, finish):
		return acknowledgement(called(beforeRestore)) + token, nil
	case bytes.HasPrefix(line, control): // not for the function
		return "{}" + token, nil
	}
	return s.answer(line) + token, nil
}

func reseed(digits []byte) error {
	entropy, err := hex.DecodeString(string(digits))
	if err != nil {
		return errors.New("what stands before a request is no seed")
	}
	seed := sha256.Sum256(entropy) // of the time, too: clones of a machine may draw the same numbers
	source.Seed(seed)
	other := sha256.Sum256(seed[:])
	oldrand.Seed(int64(binary.LittleEndian.Uint64(other[:]))) // its numbers are no secret: of a seed of their own
	for _, one := range seeders {
		one(slices.Clone(seed[:]))
	}
	return nil
}

// The hooks after a restore; the space says that they are done.
func (s *server) resume() error {
	if !s.due {
		return nil
	}
	s.due = false // the next restore sets it again
	for _, hook := range afterRestore {
		if err := hook(); err != nil {
			said := s.write(`{"groundhog":"hook","error":` + quoted(err) + "}")
			return errors.Join(fmt.Errorf("a hook after the restore failed: %w", err), said)
		}
	}
	_, err := s.answers.WriteString(" ")
	return err
}

func (s *server) prepare() string {
	for _, hook := range backwards(beforeSnapshot) {
		if err := hook(); err != nil {
			return acknowledgement(fmt.Errorf("a hook before the snapshot failed: %w", err))
		}
	}
	s.due = len(afterRestore) > 0
	return fmt.Sprintf(`{"ok":true,"hooks":%t,"before_restore":%t}`, s.due, len(beforeRestore) > 0)
}

// All of them have their turn, the last one first.
func called(hooks []func() error) error {
	var wrong []string
	for _, hook := range backwards(hooks) {
		if err := hook(); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	if wrong == nil {
		return nil
	}
	return errors.New(strings.Join(wrong, "; "))
}

func backwards(hooks []func() error) []func() error {
	reversed := slices.Clone(hooks)
	slices.Reverse(reversed)
	return reversed
}

func acknowledgement(err error) string {
	if err == nil {
		return `{"ok":true}`
	}
	return `{"ok":false,"error":` + quoted(err) + "}"
}

// The space after an error says that it was not returned.
func (s *server) answer(request []byte) (text string) {
	defer func() {
		if thrown := recover(); thrown != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n%s", thrown, debug.Stack())
			text = failed(fmt.Errorf("%v", thrown))
		}
	}()
	value, err := s.handler(request)
	if err != nil {
		return failed(err)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return failed(err)
	}
	return string(encoded)
}

func failed(err error) string { return `{"error":` + quoted(err) + "} " }

func quoted(err error) string {
	text, _ := json.Marshal(err.Error()) // a text has an encoding
	return string(text)
}
