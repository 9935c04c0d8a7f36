"""Evaluates small real trainings on grids, once, for the search benchmark.

    python tests/bench/search/tasks.py tests/bench/search/trained [NAME ...]

needs scikit-learn 1.9.1 and statsmodels. It writes one JSON file per task: the axes with their
levels, and the validation loss of every cell for each of three seeds. A seed draws the split of the
data and starts the model. A task whose file exists is not evaluated again.
"""

import json
import multiprocessing
import os
import sys
import warnings

from grids import (
    DIVERGED,
    TASKS,
    boosted,
    each,
    error,
    evaluate,
    linear,
    log,
    logloss,
    rmse,
    split,
    task,
)

import numpy as np
from sklearn import (
    discriminant_analysis,
    ensemble,
    kernel_ridge,
    linear_model,
    naive_bayes,
    neighbors,
    neural_network,
    svm,
    tree,
)
from sklearn.decomposition import PCA
from sklearn.kernel_approximation import Nystroem
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

warnings.filterwarnings("ignore")


@task(
    C=log(1e-3, 1e4, 15),
    gamma=log(1e-5, 10, 13),
    kernel=each("rbf", "poly", "sigmoid"),
    degree=each(2, 3, 4),
)
def svm_digits(C, gamma, kernel, degree, seed):
    if kernel != "poly" and degree != 2:
        return None
    return error(
        svm.SVC(C=C, gamma=gamma, kernel=kernel, degree=degree, coef0=1.0, max_iter=3000),
        split("digits", seed, 400),
    )


@task(
    alpha=log(1e-7, 1, 15),
    loss=each("hinge", "log_loss", "modified_huber"),
    penalty=each("l1", "l2", "elasticnet"),
    eta0=log(1e-4, 10, 11),
    average=each(True, False),
)
def sgd_digits(alpha, loss, penalty, eta0, average, seed):
    return error(
        linear_model.SGDClassifier(
            alpha=alpha,
            loss=loss,
            penalty=penalty,
            eta0=eta0,
            average=average,
            max_iter=6,
            tol=None,
            learning_rate="invscaling",
            random_state=seed,
        ),
        split("digits", seed, 400),
    )


@task(
    n_neighbors=linear(1, 30, 30, True),
    p=each(1, 2, 3),
    weights=each("uniform", "distance"),
    components=each(4, 8, 16, 32, 48, 64),
)
def neighbours_digits(n_neighbors, p, weights, components, seed):
    return error(
        make_pipeline(
            PCA(components, random_state=seed),
            neighbors.KNeighborsClassifier(n_neighbors, p=p, weights=weights),
        ),
        split("digits", seed, 500),
    )


@task(
    learning_rate_init=log(1e-4, 1, 11),
    width=each(8, 16, 32, 64, 128),
    alpha=log(1e-6, 10, 5),
    batch_size=each(16, 32, 64, 128),
    activation=each("relu", "tanh", "logistic"),
)
def mlp_digits(learning_rate_init, width, alpha, batch_size, activation, seed):
    model = neural_network.MLPClassifier(
        (width,),
        activation=activation,
        learning_rate_init=learning_rate_init,
        alpha=alpha,
        batch_size=batch_size,
        max_iter=6,
        random_state=seed,
    )
    return logloss(model, split("digits", seed, 300))


@task(
    lr=log(1e-4, 10, 13),
    momentum=each(0.0, 0.5, 0.9, 0.95, 0.99),
    layers=linear(1, 4, 4, True),
    width=each(4, 8, 16, 32),
    nesterov=each(True, False),
)
def mlp_sgd_moons(lr, momentum, layers, width, nesterov, seed):
    model = neural_network.MLPClassifier(
        (width,) * layers,
        solver="sgd",
        learning_rate_init=lr,
        momentum=momentum,
        nesterovs_momentum=nesterov,
        max_iter=15,
        batch_size=32,
        random_state=seed,
    )
    return logloss(model, split("moons", seed))


@task(
    max_depth=linear(1, 15, 15, True),
    min_samples_leaf=linear(1, 20, 10, True),
    ccp_alpha=log(1e-5, 0.1, 9),
    criterion=each("gini", "entropy"),
)
def tree_cancer(max_depth, min_samples_leaf, ccp_alpha, criterion, seed):
    return error(
        tree.DecisionTreeClassifier(
            max_depth=max_depth,
            min_samples_leaf=min_samples_leaf,
            ccp_alpha=ccp_alpha,
            criterion=criterion,
            random_state=seed,
        ),
        split("cancer", seed),
    )


@task(
    max_depth=linear(1, 12, 12, True),
    min_samples_split=each(2, 5, 10, 20, 50),
    splitter=each("best", "random"),
    max_features=linear(0.1, 1.0, 10),
)
def tree_randhie(max_depth, min_samples_split, splitter, max_features, seed):
    return rmse(
        tree.DecisionTreeRegressor(
            max_depth=max_depth,
            min_samples_split=min_samples_split,
            splitter=splitter,
            max_features=max_features,
            random_state=seed,
        ),
        split("randhie", seed, 2000, 1500),
    )


@task(
    n_estimators=log(4, 64, 5, True),
    max_features=linear(0.05, 1.0, 8),
    min_samples_leaf=log(1, 32, 6, True),
    max_depth=each(2, 4, 8, 16),
    criterion=each("gini", "entropy"),
)
def forest_wine(n_estimators, max_features, min_samples_leaf, max_depth, criterion, seed):
    return logloss(
        ensemble.RandomForestClassifier(
            n_estimators,
            max_features=max_features,
            min_samples_leaf=min_samples_leaf,
            max_depth=max_depth,
            criterion=criterion,
            random_state=seed,
        ),
        split("wine", seed),
    )


@task(
    max_features=linear(0.1, 1.0, 10),
    min_samples_leaf=linear(1, 15, 8, True),
    max_depth=each(3, 6, 12, 24),
    bootstrap=each(True, False),
    n_estimators=each(8, 16, 32),
)
def extra_trees_diabetes(max_features, min_samples_leaf, max_depth, bootstrap, n_estimators, seed):
    return rmse(
        ensemble.ExtraTreesRegressor(
            n_estimators,
            max_features=max_features,
            min_samples_leaf=min_samples_leaf,
            max_depth=max_depth,
            bootstrap=bootstrap,
            random_state=seed,
        ),
        split("diabetes", seed),
    )


@task(
    learning_rate=log(3e-3, 1, 9),
    max_depth=linear(1, 6, 6, True),
    subsample=linear(0.3, 1.0, 4),
    leaf=each(1, 5, 20),
    rounds=log(5, 200, 8, True),
)
def boosting_friedman(learning_rate, max_depth, subsample, leaf, rounds, seed):
    return boosted(
        "friedman",
        seed,
        ensemble.GradientBoostingRegressor,
        rounds,
        learning_rate,
        max_depth,
        subsample,
        leaf,
    )


@task(
    learning_rate=linear(0.01, 1, 10),
    max_depth=each(1, 2, 3, 5),
    subsample=linear(0.4, 1.0, 3),
    leaf=each(1, 10, 40),
    rounds=linear(10, 200, 12, True),
)
def boosting_diabetes(learning_rate, max_depth, subsample, leaf, rounds, seed):
    return boosted(
        "diabetes",
        seed,
        ensemble.GradientBoostingRegressor,
        rounds,
        learning_rate,
        max_depth,
        subsample,
        leaf,
    )


@task(
    learning_rate=log(0.01, 1, 7),
    max_leaf_nodes=each(3, 7, 15, 31),
    l2=log(1e-3, 100, 5),
    min_samples_leaf=each(5, 20, 60),
    max_iter=each(10, 30),
)
def hist_boosting_fair(learning_rate, max_leaf_nodes, l2, min_samples_leaf, max_iter, seed):
    return rmse(
        ensemble.HistGradientBoostingRegressor(
            learning_rate=learning_rate,
            max_leaf_nodes=max_leaf_nodes,
            l2_regularization=l2,
            min_samples_leaf=min_samples_leaf,
            max_iter=max_iter,
            random_state=seed,
        ),
        split("fair", seed, 800, 800),
    )


@task(
    learning_rate=log(0.01, 3, 11),
    n_estimators=log(5, 100, 7, True),
    depth=linear(1, 4, 4, True),
    leaf=each(1, 10),
)
def adaboost_hastie(learning_rate, n_estimators, depth, leaf, seed):
    return error(
        ensemble.AdaBoostClassifier(
            tree.DecisionTreeClassifier(max_depth=depth, min_samples_leaf=leaf),
            learning_rate=learning_rate,
            n_estimators=n_estimators,
            random_state=seed,
        ),
        split("hastie", seed, 400),
    )


@task(
    alpha=log(1e-5, 100, 15),
    l1_ratio=linear(0, 1, 9),
    degree=each(1, 2, 3),
    selection=each("cyclic", "random"),
)
def elastic_net_diabetes(alpha, l1_ratio, degree, selection, seed):
    return rmse(
        make_pipeline(
            PolynomialFeatures(degree, include_bias=False),
            StandardScaler(),
            linear_model.ElasticNet(
                alpha=alpha, l1_ratio=l1_ratio, selection=selection, max_iter=60, random_state=seed
            ),
        ),
        split("diabetes", seed),
    )


@task(
    alpha=log(1e-6, 1e3, 14),
    gamma=log(1e-5, 1, 12),
    kernel=each("rbf", "laplacian", "polynomial"),
    degree=each(1, 2, 3),
)
def kernel_ridge_friedman(alpha, gamma, kernel, degree, seed):
    return rmse(
        kernel_ridge.KernelRidge(alpha=alpha, gamma=gamma, kernel=kernel, degree=degree),
        split("friedman", seed, 250),
    )


@task(
    C=log(1e-3, 1e3, 11),
    gamma=log(1e-4, 10, 11),
    epsilon=log(1e-3, 1, 7),
    shrinking=each(True, False),
)
def svr_diabetes(C, gamma, epsilon, shrinking, seed):
    return rmse(
        svm.SVR(C=C, gamma=gamma, epsilon=epsilon, shrinking=shrinking, max_iter=20000),
        split("diabetes", seed),
    )


@task(C=log(1e-3, 1e4, 13), gamma=log(1e-4, 100, 13), components=log(8, 256, 6, True))
def nystroem_hastie(C, gamma, components, seed):
    return error(
        make_pipeline(
            Nystroem(gamma=gamma, n_components=components, random_state=seed),
            linear_model.LogisticRegression(C=C, max_iter=50),
        ),
        split("hastie", seed, 400),
    )


@task(
    C=log(1e-5, 1e4, 16),
    penalty=each("l1", "l2"),
    components=linear(2, 30, 15, True),
    whiten=each(True, False),
)
def logistic_cancer(C, penalty, components, whiten, seed):
    return logloss(
        make_pipeline(
            PCA(components, whiten=whiten, random_state=seed),
            linear_model.LogisticRegression(
                C=C, penalty=penalty, solver="liblinear", random_state=seed
            ),
        ),
        split("cancer", seed),
    )


@task(var_smoothing=log(1e-12, 1, 25), components=linear(2, 60, 30, True), whiten=each(True, False))
def bayes_digits(var_smoothing, components, whiten, seed):
    return error(
        make_pipeline(
            PCA(components, whiten=whiten, random_state=seed),
            naive_bayes.GaussianNB(var_smoothing=var_smoothing),
        ),
        split("digits", seed, 400),
    )


@task(shrinkage=linear(0, 1, 41), components=linear(2, 60, 30, True))
def discriminant_digits(shrinkage, components, seed):
    return error(
        make_pipeline(
            PCA(components, random_state=seed),
            discriminant_analysis.LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage),
        ),
        split("digits", seed, 200),
    )


@task(
    eta0=log(1e-5, 1, 16),
    alpha=log(1e-6, 1, 7),
    loss=each("squared_error", "huber", "epsilon_insensitive"),
    schedule=each("constant", "invscaling", "adaptive"),
    epochs=each(2, 5, 10, 20),
)
def sgd_friedman(eta0, alpha, loss, schedule, epochs, seed):
    got = rmse(
        linear_model.SGDRegressor(
            loss=loss,
            eta0=eta0,
            alpha=alpha,
            learning_rate=schedule,
            max_iter=epochs,
            tol=None,
            random_state=seed,
        ),
        split("friedman", seed, 300),
    )
    return min(got, DIVERGED) if np.isfinite(got) else DIVERGED


@task(
    learning_rate_init=log(1e-4, 0.3, 8),
    width=log(4, 128, 6, True),
    layers=each(1, 2, 3),
    alpha=log(1e-5, 10, 5),
    max_iter=each(5, 15, 40),
)
def mlp_diabetes(learning_rate_init, width, layers, alpha, max_iter, seed):
    return rmse(
        neural_network.MLPRegressor(
            hidden_layer_sizes=(width,) * layers,
            learning_rate_init=learning_rate_init,
            alpha=alpha,
            max_iter=max_iter,
            batch_size=32,
            random_state=seed,
        ),
        split("diabetes", seed, 200),
    )


@task(
    C=log(1e-6, 1e3, 19),
    loss=each("hinge", "squared_hinge"),
    intercept_scaling=log(0.01, 100, 9),
    degree=each(1, 2),
)
def linear_svm_wine(C, loss, intercept_scaling, degree, seed):
    return error(
        make_pipeline(
            PolynomialFeatures(degree),
            svm.LinearSVC(
                C=C, loss=loss, intercept_scaling=intercept_scaling, max_iter=200, random_state=seed
            ),
        ),
        split("wine", seed, 60),
    )


@task(
    max_samples=linear(0.05, 1, 8),
    max_features=linear(0.05, 1.0, 8),
    n_estimators=log(2, 50, 6, True),
    depth=each(2, 5, 10),
)
def bagging_digits(max_samples, max_features, n_estimators, depth, seed):
    return error(
        ensemble.BaggingClassifier(
            tree.DecisionTreeClassifier(max_depth=depth),
            n_estimators,
            max_samples=max_samples,
            max_features=max_features,
            random_state=seed,
        ),
        split("digits", seed, 300),
    )


def write(job):
    folder, name = job
    with open(os.path.join(folder, name + ".json"), "w") as file:
        json.dump(evaluate(name), file, separators=(",", ":"))
    print(name, flush=True)


if __name__ == "__main__":
    folder, names = sys.argv[1], sys.argv[2:] or list(TASKS)
    names = [name for name in names if not os.path.exists(os.path.join(folder, name + ".json"))]
    with multiprocessing.Pool(2) as pool:
        pool.map(write, [(folder, name) for name in names], chunksize=1)
