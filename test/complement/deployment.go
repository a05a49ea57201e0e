// Deploys Selvedge for Complement, the conformance tests of the Matrix homeservers, by `npm start` and without
// containers. `run.ts` lays this file into Complement's package.
package complement

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/matrix-org/complement/b"
	"github.com/matrix-org/complement/client"
	"github.com/matrix-org/complement/config"
	"github.com/matrix-org/complement/ct"
	"github.com/matrix-org/complement/helpers"
	"github.com/matrix-org/gomatrixserverlib/spec"
)

const (
	serverName      = "hs1"
	readyWithin     = 60 * time.Second
	syncPatience    = 5 * time.Second
	defaultPassword = "complement_meets_min_password_req"
)

// Some tests rely on what version 12 changed: that a creator has a power level like anybody else.
var options = []string{
	"--server-name", serverName, "--default-room-version", "11", "--password-cost", "low", "--rate-limits", "off",
	"--registration-shared-secret", "complement", "--allow-private-networks", "on", "--guests", "on",
	"--open-media", "on", "--log-level", "warn",
}

// selvedge is one server, and the users that a test has on it.
type selvedge struct {
	config  *config.Complement
	folder  string
	address string
	process *exec.Cmd
	users   atomic.Int64
}

func init() {
	customDeployer = deploySelvedge
}

func newSelvedgePackage(namespace string) (*TestPackage, error) {
	return &TestPackage{Config: config.NewConfigFromEnvVars(namespace, ""), existingDeploymentMu: &sync.Mutex{}}, nil
}

func deployBlueprint(t ct.TestLike, blueprint b.Blueprint) Deployment {
	t.Helper()
	return deploySelvedge(t, len(blueprint.Homeservers), testPackage.Config)
}

func deploySelvedge(t ct.TestLike, servers int, cfg *config.Complement) Deployment {
	t.Helper()
	if servers > 1 {
		t.Skipf("needs %d servers that federate", servers)
	}
	folder, err := os.MkdirTemp("", "selvedge-complement-")
	if err != nil {
		ct.Fatalf(t, "no folder for the server: %s", err)
	}
	address, err := freeAddress()
	if err != nil {
		ct.Fatalf(t, "no port for the server: %s", err)
	}
	server := &selvedge{config: cfg, folder: folder, address: address}
	if err := server.start(); err != nil {
		ct.Fatalf(t, "the server does not start: %s", err)
	}
	return server
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

func (s *selvedge) baseURL() string { return "http://" + s.address }

func (s *selvedge) start() error {
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	_, port, _ := net.SplitHostPort(s.address)
	arguments := append([]string{"local/start.mjs", "--port", port, "--data-dir", filepath.Join(s.folder, "data")}, options...)
	s.process = exec.Command("node", arguments...)
	s.process.Dir = os.Getenv("COMPLEMENT_SERVER")
	s.process.Stdout = log
	s.process.Stderr = log
	if err := s.process.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(readyWithin); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if res, err := http.Get(s.baseURL() + "/_matrix/client/versions"); err == nil {
			res.Body.Close()
			return nil
		}
	}
	return fmt.Errorf("not ready within %s, see %s", readyWithin, log.Name())
}

func (s *selvedge) stop() {
	_ = s.process.Process.Signal(syscall.SIGTERM)
	_ = s.process.Wait()
}

func (s *selvedge) Destroy(t ct.TestLike) {
	s.stop()
	if !t.Failed() {
		os.RemoveAll(s.folder)
	}
}

func (s *selvedge) Restart(t ct.TestLike) error {
	s.stop()
	return s.start()
}

func (s *selvedge) StopServer(t ct.TestLike, hsName string) { s.stop() }

func (s *selvedge) StartServer(t ct.TestLike, hsName string) {
	if err := s.start(); err != nil {
		ct.Fatalf(t, "the server does not start again: %s", err)
	}
}

func (s *selvedge) PauseServer(t ct.TestLike, hsName string) {
	_ = s.process.Process.Signal(syscall.SIGSTOP)
}

func (s *selvedge) UnpauseServer(t ct.TestLike, hsName string) {
	_ = s.process.Process.Signal(syscall.SIGCONT)
}

func (s *selvedge) newClient(t ct.TestLike, password string) *client.CSAPI {
	return client.NewCSAPI(client.CSAPIOpts{
		BaseURL:          s.baseURL(),
		Client:           client.NewLoggedClient(t, serverName, nil),
		SyncUntilTimeout: syncPatience,
		Password:         password,
	})
}

func (s *selvedge) UnauthenticatedClient(t ct.TestLike, hsName string) *client.CSAPI {
	return s.newClient(t, "")
}

func (s *selvedge) Register(t ct.TestLike, hsName string, opts helpers.RegistrationOpts) *client.CSAPI {
	t.Helper()
	if hsName != serverName {
		ct.Fatalf(t, "there is no server %s", hsName)
	}
	password := opts.Password
	if password == "" {
		password = defaultPassword
	}
	user := s.newClient(t, password)
	localpart := fmt.Sprintf("user-%d", s.users.Add(1))
	if opts.LocalpartSuffix != "" {
		localpart += "-" + opts.LocalpartSuffix
	}
	if opts.IsAdmin {
		user.UserID, user.AccessToken, user.DeviceID = user.RegisterSharedSecret(t, localpart, password, true)
	} else {
		user.UserID, user.AccessToken, user.DeviceID = user.RegisterUser(t, localpart, password)
	}
	return user
}

func (s *selvedge) Login(
	t ct.TestLike, hsName string, existing *client.CSAPI, opts helpers.LoginOpts,
) *client.CSAPI {
	t.Helper()
	password := existing.Password
	if opts.Password != "" {
		password = opts.Password
	}
	user := s.newClient(t, password)
	localpart := strings.TrimPrefix(strings.Split(existing.UserID, ":")[0], "@")
	var more []client.LoginOpt
	if opts.DeviceID != "" {
		more = append(more, client.WithDeviceID(opts.DeviceID))
	}
	user.UserID, user.AccessToken, user.DeviceID = user.LoginUser(t, localpart, password, more...)
	return user
}

func (s *selvedge) AppServiceUser(t ct.TestLike, hsName, userID string) *client.CSAPI {
	t.Skipf("needs application services")
	return nil
}

func (s *selvedge) ContainerID(t ct.TestLike, hsName string) string {
	t.Skipf("needs a container")
	return ""
}

func (s *selvedge) GetFullyQualifiedHomeserverName(t ct.TestLike, hsName string) spec.ServerName {
	return spec.ServerName(hsName)
}

func (s *selvedge) GetConfig() *config.Complement { return s.config }

func (s *selvedge) Network() string { return "" }

func (s *selvedge) RoundTripper() http.RoundTripper {
	base, _ := url.Parse(s.baseURL())
	return toServer{base}
}

// toServer sends everything to the server, whatever name it is asked by.
type toServer struct{ base *url.URL }

func (r toServer) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := req.Clone(req.Context())
	sent.URL.Scheme, sent.URL.Host = r.base.Scheme, r.base.Host
	return http.DefaultTransport.RoundTrip(sent)
}
