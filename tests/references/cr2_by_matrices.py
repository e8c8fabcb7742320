"""CR2 and Satterthwaite by the book: whole hat matrix, eigen-decompositions, one row a learner.

Written from Bell and McCaffrey (2002) and Pustejovsky and Tipton (2018), section 2, with no thought
for cost: n x n matrices. The product computes the same from team sums in closed form.
"""

import numpy as np


def cr2(y, x, cluster, contrast):
    """The estimate, CR2 standard error and Satterthwaite df of contrast'beta."""
    n = len(y)
    bread = np.linalg.inv(x.T @ x)
    hat = x @ bread @ x.T
    maker = np.eye(n) - hat
    residuals = maker @ y
    variance = 0.0
    vectors = []
    for name in np.unique(cluster):
        rows = np.flatnonzero(cluster == name)
        adjust = _inverse_root(maker[np.ix_(rows, rows)])
        pull = adjust @ x[rows] @ bread @ contrast
        variance += float(pull @ residuals[rows]) ** 2
        vectors.append(maker[:, rows] @ pull)
    p = np.column_stack(vectors)
    eigen = np.linalg.eigvalsh(p.T @ p)
    df = eigen.sum() ** 2 / (eigen**2).sum()
    return float(contrast @ bread @ x.T @ y), variance**0.5, float(df)


def _inverse_root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    roots = np.where(values > 1e-10, 1 / np.sqrt(np.maximum(values, 1e-300)), 0.0)
    return vectors @ np.diag(roots) @ vectors.T
