// Deploys Selvedge for Complement, the conformance tests of the Matrix homeservers, by `npm start` and without
// containers. `run.ts` lays this file and `server.go` into Complement's package.
package complement

import (
	"fmt"
	"net/http"
	"os"
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
	syncPatience    = 5 * time.Second
	defaultPassword = "complement_meets_min_password_req"
)

// deployment is servers that reach each other, and the users that tests have on them.
type deployment struct {
	config  *config.Complement
	servers []*selvedge
	users   atomic.Int64
}

// kept has the servers of the last test: the next one takes them, since to start one takes seconds.
var kept *deployment

func init() {
	customDeployer = deployServers
}

func newSelvedgePackage(namespace string) (*TestPackage, error) {
	return &TestPackage{Config: config.NewConfigFromEnvVars(namespace, ""), existingDeploymentMu: &sync.Mutex{}}, nil
}

// deployBlueprint starts new servers: tests that name a blueprint want no traces of others.
func deployBlueprint(t ct.TestLike, blueprint b.Blueprint) Deployment {
	t.Helper()
	stopKept()
	return deployServers(t, len(blueprint.Homeservers), testPackage.Config)
}

func deployServers(t ct.TestLike, count int, cfg *config.Complement) Deployment {
	t.Helper()
	names := serverNames()
	if count > len(names) {
		t.Skipf("needs %d servers", count)
	}
	deployed := kept
	if deployed == nil {
		deployed = &deployment{config: cfg}
	}
	kept = nil
	for _, name := range names[len(deployed.servers):max(count, len(deployed.servers))] {
		server, err := newServer(name, cfg)
		if err != nil {
			ct.Fatalf(t, "%s does not start: %s", name, err)
		}
		deployed.servers = append(deployed.servers, server)
	}
	return deployed
}

// serverNames has the names that `run.ts` put into the tests for hs1, hs2 and so on.
func serverNames() []string { return strings.Split(os.Getenv("COMPLEMENT_SERVER_NAMES"), " ") }

func stopKept() {
	if kept != nil {
		kept.stop()
		kept.removeFolders()
		kept = nil
	}
}

func (d *deployment) stop() {
	for _, server := range d.servers {
		server.stop()
	}
}

func (d *deployment) removeFolders() {
	for _, server := range d.servers {
		os.RemoveAll(server.folder)
	}
}

func (d *deployment) server(t ct.TestLike, name string) *selvedge {
	t.Helper()
	for _, server := range d.servers {
		if server.name == name {
			return server
		}
	}
	ct.Fatalf(t, "there is no server %s", name)
	return nil
}

// Destroy keeps the servers for the next test. After a failed test it stops them, and leaves their folders to be looked at.
func (d *deployment) Destroy(t ct.TestLike) {
	if !t.Failed() {
		kept = d
		return
	}
	d.stop()
	for _, server := range d.servers {
		t.Logf("%s had %s", server.name, server.folder)
	}
}

func (d *deployment) Restart(t ct.TestLike) error {
	for _, server := range d.servers {
		server.stop()
		if err := server.start(); err != nil {
			return err
		}
	}
	return nil
}

func (d *deployment) StopServer(t ct.TestLike, hsName string) { d.server(t, hsName).stop() }

func (d *deployment) StartServer(t ct.TestLike, hsName string) {
	if err := d.server(t, hsName).start(); err != nil {
		ct.Fatalf(t, "%s does not start again: %s", hsName, err)
	}
}

func (d *deployment) PauseServer(t ct.TestLike, hsName string) {
	_ = d.server(t, hsName).process.Process.Signal(syscall.SIGSTOP)
}

func (d *deployment) UnpauseServer(t ct.TestLike, hsName string) {
	_ = d.server(t, hsName).process.Process.Signal(syscall.SIGCONT)
}

func (d *deployment) newClient(t ct.TestLike, hsName, password string) *client.CSAPI {
	return client.NewCSAPI(client.CSAPIOpts{
		BaseURL:          d.server(t, hsName).baseURL(),
		Client:           client.NewLoggedClient(t, hsName, nil),
		SyncUntilTimeout: syncPatience,
		Password:         password,
	})
}

func (d *deployment) UnauthenticatedClient(t ct.TestLike, hsName string) *client.CSAPI {
	return d.newClient(t, hsName, "")
}

func (d *deployment) Register(t ct.TestLike, hsName string, opts helpers.RegistrationOpts) *client.CSAPI {
	t.Helper()
	password := opts.Password
	if password == "" {
		password = defaultPassword
	}
	user := d.newClient(t, hsName, password)
	localpart := fmt.Sprintf("user-%d", d.users.Add(1))
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

func (d *deployment) Login(
	t ct.TestLike, hsName string, existing *client.CSAPI, opts helpers.LoginOpts,
) *client.CSAPI {
	t.Helper()
	password := existing.Password
	if opts.Password != "" {
		password = opts.Password
	}
	user := d.newClient(t, hsName, password)
	localpart := strings.TrimPrefix(strings.Split(existing.UserID, ":")[0], "@")
	var more []client.LoginOpt
	if opts.DeviceID != "" {
		more = append(more, client.WithDeviceID(opts.DeviceID))
	}
	user.UserID, user.AccessToken, user.DeviceID = user.LoginUser(t, localpart, password, more...)
	return user
}

// AppServiceUser makes an ordinary user: a test of which a part alone needs an application service runs its other parts.
func (d *deployment) AppServiceUser(t ct.TestLike, hsName, userID string) *client.CSAPI {
	t.Helper()
	user := d.newClient(t, hsName, defaultPassword)
	localpart := strings.TrimPrefix(strings.Split(userID, ":")[0], "@")
	user.UserID, user.AccessToken, user.DeviceID = user.RegisterUser(t, localpart, defaultPassword)
	return user
}

func (d *deployment) ContainerID(t ct.TestLike, hsName string) string {
	t.Skipf("needs a container")
	return ""
}

func (d *deployment) GetFullyQualifiedHomeserverName(t ct.TestLike, hsName string) spec.ServerName {
	return spec.ServerName(hsName)
}

func (d *deployment) GetConfig() *config.Complement { return d.config }

func (d *deployment) Network() string { return "" }

func (d *deployment) RoundTripper() http.RoundTripper { return overTLS(d.config) }
