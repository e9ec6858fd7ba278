import gc
import weakref

import numpy as np
from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy

from napari_calcium.recording import Recording, Trace
from napari_calcium.widgets.viewer_session import session_of


def test_a_viewer_has_one_session():
    viewer = ViewerModel()
    assert session_of(viewer) is session_of(viewer)


def test_two_viewers_have_two_sessions():
    one, other = ViewerModel(), ViewerModel()
    assert session_of(one) is not session_of(other)


def test_the_proxy_given_to_plugins_leads_to_the_same_session():
    viewer = ViewerModel()
    assert session_of(PublicOnlyProxy(viewer)) is session_of(PublicOnlyProxy(viewer)) is session_of(viewer)


def test_the_session_goes_with_its_viewer():
    viewer = ViewerModel()
    session = session_of(viewer)
    session.open(Recording("a", np.arange(2), 10.0, {"raw": Trace(np.ones((2, 5)), "a.u.")}))
    gone = weakref.ref(viewer)
    del viewer
    gc.collect()
    assert gone() is None
    assert session.recording is None
