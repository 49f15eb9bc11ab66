"""The client for programs without an event loop: the same methods, called plainly."""

from types import TracebackType
from typing import Self

from signoff.client.blocking import Blocking, LoopThread, called, constructed, giving, iterated, made
from signoff.client.client import AsyncClient
from signoff.client.resources.absences import AsyncAbsences
from signoff.client.resources.accesses import AsyncAccesses
from signoff.client.resources.account import AsyncAccount
from signoff.client.resources.environment import AsyncEnvironment
from signoff.client.resources.execution import AsyncExecution
from signoff.client.resources.executions import AsyncExecutions
from signoff.client.resources.files import AsyncFiles
from signoff.client.resources.groups import AsyncGroups
from signoff.client.resources.hooks import AsyncHooks
from signoff.client.resources.inbox import AsyncInbox
from signoff.client.resources.keys import AsyncKeys
from signoff.client.resources.links import AsyncLinks
from signoff.client.resources.pauses import AsyncPauses
from signoff.client.resources.schedules import AsyncSchedules
from signoff.client.resources.users import AsyncUsers
from signoff.client.resources.workflows import AsyncWorkflows
from signoff.client.resources.workspaces import AsyncWorkspaces


class Workflows(Blocking[AsyncWorkflows]):
    """``client.workflows``."""

    deploy = called(AsyncWorkflows.deploy)
    rollback = called(AsyncWorkflows.rollback)
    undeploy = called(AsyncWorkflows.undeploy)
    get = called(AsyncWorkflows.get)
    status = called(AsyncWorkflows.status)
    versions = iterated(AsyncWorkflows.versions)
    list = iterated(AsyncWorkflows.list)


class Execution(Blocking[AsyncExecution]):
    """An execution that is known: see :class:`AsyncExecution`."""

    find_workflow = called(AsyncExecution.find_workflow)
    status = called(AsyncExecution.status)
    state = called(AsyncExecution.state)
    job = called(AsyncExecution.job)
    stream_token = called(AsyncExecution.stream_token)
    follow = iterated(AsyncExecution.follow)
    events = iterated(AsyncExecution.events)
    blob = called(AsyncExecution.blob)
    bundle = called(AsyncExecution.bundle)
    wait = called(AsyncExecution.wait)
    wait_until = called(AsyncExecution.wait_until)
    result = called(AsyncExecution.result)
    pauses = called(AsyncExecution.pauses)
    resume = called(AsyncExecution.resume)
    held = iterated(AsyncExecution.held)
    cancel = called(AsyncExecution.cancel)
    retry = called(AsyncExecution.retry)
    fork = called(AsyncExecution.fork)
    what_if = called(AsyncExecution.what_if)

    @property
    def id(self) -> str:
        """The execution's id, or that of one of its runs."""
        return self._inner.id

    @property
    def run_id(self) -> str:
        """The run that :meth:`follow` shows; the execution's own id for all of it."""
        return self._inner.run_id

    @property
    def workflow_id(self) -> str | None:
        """Its workflow; ``None`` until somebody asked for it."""
        return self._inner.workflow_id

    @property
    def status_url(self) -> str | None:
        """Where its run is looked at over HTTP, if it was started by this handle's maker."""
        return self._inner.status_url


class Executions(Blocking[AsyncExecutions]):
    """``client.executions``."""

    start = giving(AsyncExecutions.start, Execution)
    run = called(AsyncExecutions.run)
    handle = made(AsyncExecutions.handle, Execution)
    search = iterated(AsyncExecutions.search)
    counts = called(AsyncExecutions.counts)
    bulk = iterated(AsyncExecutions.bulk)


class Pauses(Blocking[AsyncPauses]):
    """``client.pauses``."""

    list = iterated(AsyncPauses.list)
    get = called(AsyncPauses.get)
    point = called(AsyncPauses.point)
    held = iterated(AsyncPauses.held)
    resume = called(AsyncPauses.resume)


class Inbox(Blocking[AsyncInbox]):
    """``client.inbox``."""

    list = iterated(AsyncInbox.list)
    counts = called(AsyncInbox.counts)
    get = called(AsyncInbox.get)
    claim = called(AsyncInbox.claim)
    release = called(AsyncInbox.release)
    delegate = called(AsyncInbox.delegate)
    reassign = called(AsyncInbox.reassign)
    return_ = called(AsyncInbox.return_)
    comment = called(AsyncInbox.comment)
    amend = called(AsyncInbox.amend)
    decide_many = called(AsyncInbox.decide_many)


class Links(Blocking[AsyncLinks]):
    """``client.links``."""

    create = called(AsyncLinks.create)
    revoke = called(AsyncLinks.revoke)
    list = iterated(AsyncLinks.list)


class Absences(Blocking[AsyncAbsences]):
    """``client.absences``."""

    get = called(AsyncAbsences.get)
    set = called(AsyncAbsences.set)
    end = called(AsyncAbsences.end)
    set_member = called(AsyncAbsences.set_member)
    end_member = called(AsyncAbsences.end_member)


class Files(Blocking[AsyncFiles]):
    """``client.files``."""

    upload = called(AsyncFiles.upload)
    read = called(AsyncFiles.read)
    pieces = iterated(AsyncFiles.pieces)
    download = called(AsyncFiles.download)


class Schedules(Blocking[AsyncSchedules]):
    """``client.schedules``."""

    switch = called(AsyncSchedules.switch)
    list = iterated(AsyncSchedules.list)


class Environment(Blocking[AsyncEnvironment]):
    """``client.environment``."""

    set = called(AsyncEnvironment.set)
    get = called(AsyncEnvironment.get)
    remove = called(AsyncEnvironment.remove)
    list = iterated(AsyncEnvironment.list)


class Accesses(Blocking[AsyncAccesses]):
    """``client.accesses``."""

    list = iterated(AsyncAccesses.list)


class Keys(Blocking[AsyncKeys]):
    """``client.keys``."""

    create = called(AsyncKeys.create)
    rotate = called(AsyncKeys.rotate)
    revoke = called(AsyncKeys.revoke)
    list = iterated(AsyncKeys.list)


class Account(Blocking[AsyncAccount]):
    """``client.account``."""

    get = called(AsyncAccount.get)
    rename = called(AsyncAccount.rename)
    change_password = called(AsyncAccount.change_password)
    sessions = iterated(AsyncAccount.sessions)
    end_session = called(AsyncAccount.end_session)
    end_sessions = called(AsyncAccount.end_sessions)


class Users(Blocking[AsyncUsers]):
    """``client.users``."""

    create = called(AsyncUsers.create)
    get = called(AsyncUsers.get)
    update = called(AsyncUsers.update)
    erase = called(AsyncUsers.erase)
    keys = made(AsyncUsers.keys, Keys)
    list = iterated(AsyncUsers.list)


class Groups(Blocking[AsyncGroups]):
    """``client.groups``."""

    create = called(AsyncGroups.create)
    get = called(AsyncGroups.get)
    update = called(AsyncGroups.update)
    remove = called(AsyncGroups.remove)
    list = iterated(AsyncGroups.list)


class Workspaces(Blocking[AsyncWorkspaces]):
    """``client.workspaces``."""

    create = called(AsyncWorkspaces.create)
    get = called(AsyncWorkspaces.get)
    rename = called(AsyncWorkspaces.rename)
    close = called(AsyncWorkspaces.close)
    list = iterated(AsyncWorkspaces.list)
    members = iterated(AsyncWorkspaces.members)
    add_member = called(AsyncWorkspaces.add_member)
    set_member = called(AsyncWorkspaces.set_member)
    remove_member = called(AsyncWorkspaces.remove_member)


class Hooks(Blocking[AsyncHooks]):
    """``client.hooks``."""

    create = called(AsyncHooks.create)
    get = called(AsyncHooks.get)
    update = called(AsyncHooks.update)
    remove = called(AsyncHooks.remove)
    rotate = called(AsyncHooks.rotate)
    test = called(AsyncHooks.test)
    replay = called(AsyncHooks.replay)
    deliveries = iterated(AsyncHooks.deliveries)
    discard = called(AsyncHooks.discard)
    list = iterated(AsyncHooks.list)


class Client(Blocking[AsyncClient]):
    """Talks to one Signoff server, from any thread. Use it as a context manager.

    ::

        with Client() as client:
            execution = client.executions.start("refund-approval", {"amount": 250})
            for event in execution.follow():
                print(event.event_id, event.type)

    It takes the arguments of :class:`AsyncClient`, has the same methods and raises the same errors;
    iterators are plain ones. The work is done by an async client in a thread of this one.
    """

    @constructed(AsyncClient)
    def __init__(self, inner: AsyncClient) -> None:
        thread = LoopThread()
        super().__init__(inner, thread)
        self.workflows = Workflows(inner.workflows, thread)
        self.executions = Executions(inner.executions, thread)
        self.pauses = Pauses(inner.pauses, thread)
        self.inbox = Inbox(inner.inbox, thread)
        self.links = Links(inner.links, thread)
        self.absences = Absences(inner.absences, thread)
        self.files = Files(inner.files, thread)
        self.schedules = Schedules(inner.schedules, thread)
        self.environment = Environment(inner.environment, thread)
        self.keys = Keys(inner.keys, thread)
        self.own_keys = Keys(inner.own_keys, thread)
        self.account = Account(inner.account, thread)
        self.users = Users(inner.users, thread)
        self.groups = Groups(inner.groups, thread)
        self.workspaces = Workspaces(inner.workspaces, thread)
        self.hooks = Hooks(inner.hooks, thread)
        self.accesses = Accesses(inner.accesses, thread)

    feed = iterated(AsyncClient.feed)
    present = called(AsyncClient.present)
    feed_token = called(AsyncClient.feed_token)
    who_am_i = called(AsyncClient.who_am_i)
    usage = called(AsyncClient.usage)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything that is under way and let go of every connection."""
        self._thread.close(self._inner.close)
