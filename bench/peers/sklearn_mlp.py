"""scikit-learn's MLPClassifier. It has no dropout, so its epochs do a little less work and its loss ends lower."""

import common
import numpy as np
from sklearn.neural_network import MLPClassifier

given = common.arguments()
(x, y), (x_test, y_test) = common.digits(given)
model = MLPClassifier(
    (512, 512), batch_size=given.batch, learning_rate_init=1e-3, alpha=0.0, epsilon=1e-7, shuffle=True, random_state=0
)


def epoch() -> float:
    """One pass over the digits; the mean loss."""
    model.partial_fit(x, y, classes=np.arange(10))
    return model.loss_


seconds, loss = common.time_epochs(given.epochs, epoch)
common.say("sklearn", seconds, loss, common.peak_mb(), model.score(x_test, y_test), "scikit-learn", "numpy")
